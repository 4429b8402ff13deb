"""What is over its time goes, provably; what the books need stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.utils import timezone

from calls.models import Call, CallEvent, RetentionRun, Turn
from calls.services import retention
from calls.services.retention import (
    CONTENT,
    METADATA,
    apply_retention,
    forget_private_calls,
    hashed_number,
)
from portal.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from portal.scope import all_organizations, organization_scope
from portal.services.privacy import save_privacy
from tests.world import House

NOW = timezone.now()


def old_call(house: House, *, days: float, **fields: Any) -> Call:
    """A call with everything a call can leave behind, over for so many days."""
    with organization_scope(house.organization):
        name = storages["recordings"].save("xx/call.webm", ContentFile(b"sound"))
        call = Call.objects.create(
            organization=house.organization,
            assistant=house.assistant,
            version=house.assistant.current_version,
            direction=Call.Direction.INBOUND,
            carrier="simulator",
            status=Call.Status.ENDED,
            caller_number="+31612345678",
            callee_number=house.number.number,
            variables={"name": "Jan"},
            metadata={"crm": "7"},
            summary="Jan ordered bread.",
            waveform={"caller": [1]},
            recording=name,
            duration_ms=60_000,
            billed_seconds=60,
            cost_microcredits=1_000_000,
            started_at=NOW - timedelta(days=days, minutes=1),
            ended_at=NOW - timedelta(days=days),
            **fields,
        )
        Turn.objects.create(
            organization=house.organization,
            call=call,
            index=0,
            speaker="user",
            text="Bread please",
            started_ms=0,
            ended_ms=900,
        )
        for kind in ("tool_called", "ended"):
            CallEvent.objects.create(
                organization=house.organization,
                call=call,
                kind=kind,
                at=NOW,
                data={"end_reason": "user_hangup"} if kind == "ended" else {"a": "Jan"},
            )
    return call


def tell(house: House, call: Call, status: str = "delivered") -> None:
    with organization_scope(house.organization):
        endpoint = WebhookEndpoint.objects.create(
            organization=house.organization, url="https://a.example", events=["*"]
        )
        event = WebhookEvent.objects.create(
            organization=house.organization,
            kind="end-of-call-report",
            call_id=call.pk,
            body="Jan",
        )
        WebhookDelivery.objects.create(
            organization=house.organization,
            endpoint=endpoint,
            event=event,
            kind=event.kind,
            call_id=call.pk,
            status=status,
        )


def row(call: Call) -> Call:
    with all_organizations("test"):
        return Call.objects.get(pk=call.pk)


def has_content(call: Call) -> bool:
    now = row(call)
    with all_organizations("test"):
        return bool(
            now.summary
            or now.recording
            or Turn.objects.filter(call=call).exists()
            or WebhookEvent.objects.filter(call_id=call.pk).exists()
            or CallEvent.objects.filter(call=call, data__has_key="a").exists()
            or storages["recordings"].exists(call.recording)
        )


def choose(house: House, **choices: Any) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


def test_content_goes_first_and_metadata_later(bakery: House) -> None:
    choose(bakery, content_retention_days=30, metadata_retention_days=90)
    fresh = old_call(bakery, days=29)
    middle = old_call(bakery, days=31)
    old = old_call(bakery, days=91)
    tell(bakery, middle)
    (run,) = apply_retention(NOW)
    assert [has_content(call) for call in (fresh, middle, old)] == [True, False, False]
    assert row(middle).caller_number == "+31612345678"
    assert row(old).caller_number == row(old).callee_number == ""
    assert row(old).variables == row(old).metadata == {}
    assert (run.content_count, run.metadata_count) == (2, 1)
    assert (run.recording_count, run.turn_count) == (2, 2)
    assert (run.checked_count, run.left_count) == (2, 0)
    assert run.finished_at


def test_what_the_books_need_stays(bakery: House) -> None:
    choose(bakery, content_retention_days=30, metadata_retention_days=30)
    call = old_call(bakery, days=31)
    apply_retention(NOW)
    kept = row(call)
    assert kept.cost_microcredits == 1_000_000
    assert (kept.billed_seconds, kept.duration_ms) == (60, 60_000)
    assert kept.assistant_id == bakery.assistant.pk
    with all_organizations("test"):
        (event,) = CallEvent.objects.filter(call=call)
    assert event.data == {"end_reason": "user_hangup"}


def test_a_second_run_finds_nothing(bakery: House) -> None:
    choose(bakery, content_retention_days=30, metadata_retention_days=30)
    old_call(bakery, days=31)
    assert len(apply_retention(NOW)) == 1
    assert apply_retention(NOW) == []


def test_a_legal_hold_keeps_everything(acme: House, bakery: House) -> None:
    choose(acme, content_retention_days=30, legal_hold_reason="Case 12")
    call = old_call(bakery, days=800)
    assert apply_retention(NOW) == []
    assert has_content(call)
    choose(acme, legal_hold_reason="")
    assert len(apply_retention(NOW)) == 1
    assert not has_content(call)


def test_only_the_organization_that_asked_is_touched(
    bakery: House, garage: House
) -> None:
    choose(bakery, content_retention_days=30)
    mine, theirs = old_call(bakery, days=40), old_call(garage, days=40)
    apply_retention(NOW)
    assert not has_content(mine)
    assert has_content(theirs)


def test_a_deletion_killed_half_way_is_finished_by_the_next(bakery: House) -> None:
    choose(bakery, content_retention_days=30)
    calls = [old_call(bakery, days=40) for _ in range(3)]
    real = retention.purge_content

    def dies_at_the_second(call: Call) -> int:
        if call.pk == calls[1].pk:
            storages["recordings"].delete(call.recording)
            raise SystemExit
        return real(call)

    with (
        mock.patch.object(retention, "purge_content", dies_at_the_second),
        pytest.raises(SystemExit),
    ):
        apply_retention(NOW)
    assert [row(call).content_purged_at is None for call in calls] == [
        False,
        True,
        True,
    ]
    apply_retention(NOW)
    assert not any(has_content(call) for call in calls)


def test_a_file_that_stays_is_told(bakery: House) -> None:
    choose(bakery, content_retention_days=30)
    call = old_call(bakery, days=40)
    with mock.patch.object(type(storages["recordings"]), "delete"):
        (run,) = apply_retention(NOW)
    assert run.left_count == 1
    assert storages["recordings"].exists(call.recording)


def test_many_calls_go_in_batches(bakery: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    choose(bakery, content_retention_days=30)
    calls = [old_call(bakery, days=40) for _ in range(5)]
    (run,) = apply_retention(NOW)
    assert run.content_count == 5
    assert not any(has_content(call) for call in calls)


# -- calls that keep nothing ------------------------------------------------------------


def private(house: House, minutes: float) -> Call:
    return old_call(house, days=minutes / 1440, keeps_content=False)


def test_a_private_call_is_forgotten_once_it_was_reported(bakery: House) -> None:
    call = private(bakery, 11)
    tell(bakery, call)
    assert forget_private_calls(NOW) == 1
    assert not has_content(call)
    forgotten = row(call)
    assert forgotten.caller_number == hashed_number(
        "+31612345678", bakery.organization.pk
    )
    assert forgotten.caller_number.startswith("#")
    assert len(forgotten.caller_number) == 16
    assert forget_private_calls(NOW) == 0


def test_it_waits_for_its_report_but_not_for_ever(bakery: House) -> None:
    call = private(bakery, 60)
    tell(bakery, call, status="pending")
    assert forget_private_calls(NOW) == 0
    assert has_content(call)
    assert forget_private_calls(NOW + timedelta(days=3)) == 1
    assert not has_content(call)


def test_a_call_that_has_just_ended_is_left_alone(bakery: House) -> None:
    call = private(bakery, 1)
    assert forget_private_calls(NOW) == 0
    assert has_content(call)


def test_other_calls_are_not_forgotten(bakery: House) -> None:
    call = old_call(bakery, days=1)
    assert forget_private_calls(NOW) == 0
    assert has_content(call)


def test_a_hashed_number_tells_people_apart_within_one_organization(
    bakery: House, garage: House
) -> None:
    one, other = bakery.organization.pk, garage.organization.pk
    hashed = hashed_number("+31612345678", one)
    assert hashed == hashed_number("+31612345678", one)
    assert hashed != hashed_number("+31612345679", one)
    assert hashed != hashed_number("+31612345678", other)
    assert hashed_number(hashed, one) == hashed
    assert hashed_number("", one) == ""


# -- what a call may hold -----------------------------------------------------------------

# Columns with no words or numbers of people in them.
HARMLESS = {
    "direction",
    "carrier",
    "status",
    "end_reason",
    "carrier_code",
    "fault_owner",
    "disposition",
    "stop_reason",
    "token_digest",
    "resume_digest",
    "quality",
    "usage",
    "key_owners",
}


def test_every_column_that_could_hold_words_is_purged() -> None:
    worded = {
        field.name
        for field in Call._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
    }
    assert worded - HARMLESS == set(CONTENT) | set(METADATA)


def test_runs_are_proof_for_the_organization_alone(
    bakery: House, garage: House
) -> None:
    choose(bakery, content_retention_days=30)
    old_call(bakery, days=40)
    apply_retention(NOW)
    with organization_scope(bakery.organization):
        assert RetentionRun.objects.count() == 1
    with organization_scope(garage.organization):
        assert RetentionRun.objects.count() == 0
