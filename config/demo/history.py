"""A past for the demo: calls that were made last week, with what was said.

They are settled through the ledger like any other, so the statement adds up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from assistants.models import Assistant
from billing.holds import hold_for_call, settle_call
from billing.pricing import price_for_call
from calls.models import Call, Turn
from common.ids import uuid7
from portal.models import Organization

_SCRIPTS: Final = (
    (
        ("user", "What are your opening hours?", 2_300, 3_900),
        ("assistant", "We are open from nine to five, Monday to Friday.", 4_700, 8_100),
        ("user", "Goodbye.", 9_400, 10_100),
        ("assistant", "Thank you for calling. Goodbye.", 10_900, 12_800),
    ),
    (
        ("user", "I would like an appointment.", 2_400, 4_200),
        ("assistant", "Gladly. Which day suits you best?", 5_000, 7_100),
        ("user", "Monday.", 8_000, 8_700),
        ("assistant", "Monday works. I have written it down.", 9_500, 11_900),
        ("user", "Goodbye.", 13_000, 13_600),
        ("assistant", "Thank you for calling. Goodbye.", 14_300, 16_200),
    ),
    (
        ("user", "Where do I find you?", 2_500, 3_800),
        (
            "assistant",
            "I can tell you our opening hours and our address, or make an appointment.",
            4_800,
            9_200,
        ),
        ("user", "The address, please.", 10_000, 11_300),
        ("assistant", "You find us at number twelve, Market Street.", 12_100, 14_900),
    ),
)
_CALLS: Final = 8


def seed_history(organization: Organization) -> None:
    """Give the organization's first assistant eight calls over the last eight days."""
    assistant = Assistant.objects.select_related("current_version").earliest(
        "created_at"
    )
    for number in range(_CALLS):
        _past_call(organization, assistant, number)


def _past_call(organization: Organization, assistant: Assistant, number: int) -> None:
    script = _SCRIPTS[number % len(_SCRIPTS)]
    started = timezone.now() - timedelta(days=_CALLS - number, minutes=37 * number)
    duration_ms = script[-1][3] + 900
    seconds = -(-duration_ms // 1000)
    call_id = uuid7()
    price = price_for_call(organization, at=started)
    hold_for_call(
        call_id=call_id,
        organization=organization,
        seconds=60,
        price=price,
        expires_at=timezone.now() + timedelta(minutes=5),
    )
    cost = settle_call(call_id=call_id, seconds=seconds)
    assert assistant.current_version is not None
    first = assistant.current_version.spec.first_message or ""
    Call.objects.create(
        pk=call_id,
        organization=organization,
        assistant=assistant,
        version=assistant.current_version,
        direction=Call.Direction.WEB,
        carrier="webrtc",
        status=Call.Status.ENDED,
        end_reason="assistant_hangup" if number % 3 < 2 else "user_hangup",
        started_at=started,
        ended_at=started + timedelta(milliseconds=duration_ms),
        duration_ms=duration_ms,
        billed_seconds=seconds,
        setup_ms=180 + 13 * number,
        price_microcredits_per_minute=price.client_microcredits_per_minute,
        pool_price_microcredits_per_minute=price.pool_microcredits_per_minute,
        cost_microcredits=cost.cost_microcredits,
        pool_cost_microcredits=cost.pool_cost_microcredits,
        settled_at=started + timedelta(milliseconds=duration_ms),
    )
    Call.objects.filter(pk=call_id).update(created_at=started)
    _turns(organization, call_id, first, script)


def _turns(
    organization: Organization,
    call_id: UUID,
    first_message: str,
    script: tuple[tuple[str, str, int, int], ...],
) -> None:
    rows = [("assistant", first_message, 120, 2_050), *script]
    heard_ms = 0
    turns = []
    for index, (speaker, text, started_ms, ended_ms) in enumerate(rows):
        is_answer = speaker == "assistant" and index > 0
        wait_ms = started_ms - heard_ms
        turns.append(
            Turn(
                organization=organization,
                agency_id=organization.agency_id,
                call_id=call_id,
                index=index,
                speaker=speaker,
                text=text,
                started_ms=started_ms,
                ended_ms=ended_ms,
                response_ms=wait_ms if is_answer else None,
                endpointing_ms=400 if is_answer else None,
                stt_ms=60 if is_answer else None,
                llm_ms=40 if is_answer else None,
                tts_ms=wait_ms - 540 if is_answer else None,
                transport_ms=40 if is_answer else None,
            )
        )
        heard_ms = ended_ms
    Turn.objects.bulk_create(turns)
