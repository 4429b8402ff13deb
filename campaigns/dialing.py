"""Placing the calls of claimed leads, in good time before their moments.

    claim_leads    pending ──▶ calling, and an attempt with a lease    one transaction
    dial_attempt   claimed ──▶ placed, and the call with its hold      one transaction

A worker may die at any line. Before the first commit nothing happened. Between the
two the attempt waits, claimed, until its lease runs out and `campaigns.reconciling`
dials it again under the same call id. The second holds the attempt's row, so that of
two workers one places the call, and the call exists exactly when the attempt says so.

Everything a call needs is reserved here; the voice process then waits for the call's
moment. A moment that was missed is not made up for: the call gets another, so that a
slow process never makes a trunk pass its rate.

Locks, in this order: attempt, organization, voice nodes, accounts. Claiming locks the
organization first and trunks last, which makes its limits exact over all campaigns.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.errors import NotEnoughCredits
from calls.errors import (
    CallRefused,
    DestinationRefused,
    NoCapacity,
    TooManyCalls,
)
from calls.models import Call
from calls.services.outbound import place_call
from calls.services.starting import FIRST_HOLD_S
from campaigns import lifecycle
from campaigns.claiming import LEASE, claim_leads
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.recording import decision, record_again, record_dial
from campaigns.services.running import halt_campaign
from campaigns.suppressing import suppressed_among
from portal.models import Organization

logger = logging.getLogger(__name__)

NO_LINE_DELAY: Final = timedelta(seconds=3)
MAX_MOMENTS: Final = (
    5  # that one worker misses before it leaves the lead to a later tick
)
Halt = Campaign.HaltReason


class Dialed(Enum):
    """What came of dialing one attempt."""

    PLACED = auto()
    TAKEN = auto()  # another worker has it, or had
    WITHDRAWN = auto()  # the campaign no longer runs
    NO_LINE = auto()  # no free line now; the lead is due again in a moment
    HALTED = auto()  # the campaign cannot call until somebody acts
    REFUSED = auto()  # this number is not called; the others are


def dial_campaign(*, campaign_id: UUID, organization: Organization) -> int:
    """Call as many due leads as fit; return how many calls were placed.

    Any number of workers may do so at once.
    """
    attempts = claim_leads(campaign_id=campaign_id, organization=organization)
    return dial_attempts(attempts)


def dial_attempts(attempt_ids: Sequence[UUID]) -> int:
    """Place the calls of these attempts; return how many were placed."""
    left, placed = list(attempt_ids), 0
    while left:
        result = dial_quietly(attempt_id=left.pop(0))
        placed += result is Dialed.PLACED
        if result in {Dialed.NO_LINE, Dialed.HALTED, Dialed.WITHDRAWN}:
            withdraw_attempts(left)
            break
    return placed


def dial_quietly(*, attempt_id: UUID) -> Dialed:
    """Dial one attempt; what goes wrong unforeseen is logged and tried again later."""
    try:
        return dial_attempt(attempt_id=attempt_id)
    except Exception:
        # The edge of the dialer's loop: one lead must not stop the others. The attempt
        # stays claimed, and reconciling gives up on it after a few workers.
        logger.exception("dialing failed", extra={"attempt_id": str(attempt_id)})
        return Dialed.TAKEN


def dial_attempt(*, attempt_id: UUID) -> Dialed:
    """Place the call of a claimed attempt, exactly once over all workers.

    Refusals that mend themselves put the lead back without spending an attempt; the
    others pause the campaign and say why. Raises nothing that concerns one lead.
    """
    now = timezone.now()
    with transaction.atomic():
        attempt = _locked(attempt_id)
        if attempt is None:
            return Dialed.TAKEN
        campaign = attempt.lead.campaign
        if (ended := _changed_meanwhile(attempt, campaign, now)) is not None:
            return ended
        try:
            _place(attempt, campaign, now)
        except (NoCapacity, TooManyCalls) as refusal:
            record_again(
                attempt.lead, reason=refusal.code, detail=str(refusal), now=now
            )
            _withdraw(attempt, campaign, due_at=now + NO_LINE_DELAY)
            return Dialed.NO_LINE
        except DestinationRefused as refusal:
            _refuse(attempt, Lead.SkipReason.DESTINATION, str(refusal), now)
            return Dialed.REFUSED
        except (NotEnoughCredits, CallRefused) as refusal:
            reason, detail = _halt_of(refusal)
            record_again(attempt.lead, reason=reason, detail=str(refusal), now=now)
            _withdraw(attempt, campaign, due_at=attempt.lead.due_at)
        else:
            return Dialed.PLACED
    # In a transaction of its own: if we die here, the next attempt finds out again.
    halt_campaign(campaign=campaign, reason=reason, detail=detail)
    return Dialed.HALTED


def _changed_meanwhile(
    attempt: Attempt, campaign: Campaign, now: datetime
) -> Dialed | None:
    """Settle an attempt whose claim no longer holds; `None` when it does."""
    if campaign.status != Campaign.Status.SCHEDULED:
        _withdraw(attempt, campaign, due_at=attempt.lead.due_at)
        return Dialed.WITHDRAWN
    number = attempt.lead.phone_number
    listed = suppressed_among([number], organization=attempt.organization)
    if listed:
        entry = listed[number]
        detail = f"{entry.level}: {entry.source}"
        _refuse(attempt, Lead.SkipReason.SUPPRESSED, detail, now)
        return Dialed.REFUSED
    return None


def _locked(attempt_id: UUID) -> Attempt | None:
    return (
        Attempt.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related(
            "organization",
            "caller__trunk",
            "lead__campaign__assistant__current_version",
            "lead__campaign__variant_assistant__current_version",
            "lead__campaign__number",
            "lead__campaign__created_by",
        )
        .filter(pk=attempt_id, status=Attempt.Status.CLAIMED)
        .first()
    )


def _place(attempt: Attempt, campaign: Campaign, now: datetime) -> None:
    lead = attempt.lead
    overrides = {}
    if campaign.system_message_template:
        overrides["instructions"] = campaign.system_message_template
    assistant = campaign.assistant
    if lead.is_variant and campaign.variant_assistant is not None:
        assistant = campaign.variant_assistant
    call = place_call(
        organization=attempt.organization,
        assistant=assistant,
        number=attempt.caller or campaign.number,
        destination=lead.phone_number,
        call_id=attempt.call_id,
        actor=campaign.created_by,
        variables={
            **lead.variables,
            "name": lead.name,
            "phone_number": lead.phone_number,
        },
        overrides=overrides,
        metadata={
            "campaign_id": str(campaign.pk),
            "lead_id": str(lead.pk),
            "attempt_id": str(attempt.pk),
            "person_zone": attempt.decided.get("zone", "").partition(",")[0],
            "opt_out_digit": campaign.opt_out_digit,
        },
        dial_at=attempt.start_at,
    )
    record_dial(attempt, checks=_reserved(call), now=now)
    Lead.objects.filter(pk=lead.pk).update(
        attempt_count=attempt.number, last_attempt_at=now, callback_at=None
    )
    lifecycle.move_attempt(
        attempt.pk, Attempt.Status.PLACED, lease_until=None, dialed_at=now
    )


def _reserved(call: Call) -> list[dict[str, Any]]:
    """Return what `place_call` reserved before anybody's telephone rings."""
    price = call.price_microcredits_per_minute
    return [
        {"check": "credit", "ok": True, "detail": f"{FIRST_HOLD_S} s held at {price}"},
        {"check": "voice", "ok": True, "detail": f"a place on process {call.node_id}"},
    ]


def _refuse(
    attempt: Attempt, reason: Lead.SkipReason, detail: str, now: datetime
) -> None:
    """Settle a claimed lead that is not called after all."""
    lead = attempt.lead
    check = {"check": reason, "ok": False, "detail": detail}
    decision(
        lead,
        answer=Decision.Answer.REFUSED,
        reason=reason,
        place=None,
        checks=[check],
        rules_version=attempt.decided.get("rules", ""),
        now=now,
    ).save()
    attempt.delete()
    lifecycle.move_lead(lead.pk, Lead.Status.SKIPPED, skip_reason=reason)


def _halt_of(refusal: NotEnoughCredits | CallRefused) -> tuple[Halt, str]:
    if isinstance(refusal, CallRefused):
        return Halt.CALL_REFUSED, str(refusal)
    if refusal.owner == "agency":
        return Halt.AGENCY_CREDITS, ""
    return Halt.NOT_ENOUGH_CREDITS, ""


def withdraw_attempts(attempt_ids: list[UUID]) -> None:
    """Give claimed leads back untouched, for want of a line."""
    for attempt_id in attempt_ids:
        with transaction.atomic():
            attempt = (
                Attempt.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("lead__campaign")
                .filter(pk=attempt_id, status=Attempt.Status.CLAIMED)
                .first()
            )
            if attempt is not None:
                _withdraw(attempt, attempt.lead.campaign, due_at=attempt.lead.due_at)


def _withdraw(attempt: Attempt, campaign: Campaign, *, due_at: datetime) -> None:
    """Undo a claim: no call was made, so no attempt is counted. Holds the attempt."""
    attempt.delete()
    if campaign.status == Campaign.Status.CANCELLED:
        lifecycle.move_lead(
            attempt.lead_id, Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.CANCELLED
        )
    else:
        lifecycle.move_lead(
            attempt.lead_id,
            Lead.Status.PENDING,
            only_from=Lead.Status.CALLING,
            due_at=due_at,
        )


def renew_claim(attempt: Attempt, *, now: datetime) -> bool:
    """Take over an attempt whose worker is late; return whether it is ours now."""
    return bool(
        Attempt.objects.filter(
            pk=attempt.pk,
            status=Attempt.Status.CLAIMED,
            lease_until=attempt.lease_until,
        ).update(lease_until=now + LEASE, worker_count=F("worker_count") + 1)
    )
