"""Claiming due leads and placing their calls.

    claim_leads    pending ──▶ calling, and an attempt with a lease    one transaction
    dial_attempt   claimed ──▶ placed, and the call with its hold      one transaction

A worker may die at any line. Before the first commit nothing happened. Between the
two the attempt waits, claimed, until its lease runs out and `campaigns.reconciling`
dials it again under the same call id. The second holds the attempt's row, so that of
two workers one places the call, and the call exists exactly when the attempt says so.

Locks, in this order: attempt, organization, voice nodes, accounts. Claiming locks the
organization first and alone, which makes its limits exact over all of its campaigns.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billing.errors import NotEnoughCredits
from calls.errors import CallRefused, NoCapacity, TooManyCalls
from calls.models import Call
from calls.services.outbound import place_call
from campaigns import lifecycle, pacing
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services.running import halt_campaign
from portal.models import Organization

logger = logging.getLogger(__name__)

LEASE: Final = timedelta(seconds=10)
NO_LINE_DELAY: Final = timedelta(seconds=3)
Halt = Campaign.HaltReason


class Dialed(Enum):
    """What came of dialing one attempt."""

    PLACED = auto()
    TAKEN = auto()  # another worker has it, or had
    WITHDRAWN = auto()  # the campaign no longer runs
    NO_LINE = auto()  # no free line now; the lead is due again in a moment
    HALTED = auto()  # the campaign cannot call until somebody acts


def dial_campaign(*, campaign_id: UUID, organization: Organization) -> int:
    """Call as many due leads as fit; return how many calls were placed.

    Any number of workers may do so at once.
    """
    placed = 0
    attempts = claim_leads(campaign_id=campaign_id, organization=organization)
    while attempts:
        result = dial_quietly(attempt_id=attempts.pop(0))
        placed += result is Dialed.PLACED
        if result in {Dialed.NO_LINE, Dialed.HALTED, Dialed.WITHDRAWN}:
            withdraw_attempts(attempts)
            break
    return placed


def claim_leads(*, campaign_id: UUID, organization: Organization) -> list[UUID]:
    """Take the leads that may be called now; return the attempts made for them.

    Locks the organization's row, so that two workers never pass its limit together.
    """
    now = timezone.now()
    with transaction.atomic():
        locked = Organization.objects.select_for_update(no_key=True).get(
            pk=organization.pk
        )
        campaign = Campaign.objects.running().filter(pk=campaign_id).first()
        if campaign is None:
            return []
        room = _room_for(campaign, locked)
        leads = list(
            Lead.objects.due(now)
            .filter(campaign=campaign)
            .select_for_update(skip_locked=True, no_key=True)
            .order_by("due_at", "pk")[:room]
        )
        Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(
            status=Lead.Status.CALLING
        )
        attempts = Attempt.objects.bulk_create(
            Attempt(
                organization_id=lead.organization_id,
                agency_id=lead.agency_id,
                lead=lead,
                number=lead.attempt_count + 1,
                lease_until=now + LEASE,
            )
            for lead in leads
        )
    return [attempt.pk for attempt in attempts]


def _room_for(campaign: Campaign, organization: Organization) -> int:
    own_attempts = Attempt.objects.filter(organization=organization)
    own_calls = Call.objects.live().filter(organization=organization)
    claimed = own_attempts.filter(status=Attempt.Status.CLAIMED)
    open_here = own_attempts.open().filter(lead__campaign=campaign).count()
    open_at_all = claimed.count() + own_calls.count()
    return pacing.calls_to_start(
        pacing.Limit(campaign.max_concurrent_calls, open_here, open_here),
        pacing.Limit(organization.max_concurrent_calls, open_at_all, 0),
        at_most=25,
    )


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
    others pause the campaign and say why.
    """
    now = timezone.now()
    with transaction.atomic():
        attempt = (
            Attempt.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related(
                "organization",
                "lead__campaign__assistant__current_version",
                "lead__campaign__number",
                "lead__campaign__created_by",
            )
            .filter(pk=attempt_id, status=Attempt.Status.CLAIMED)
            .first()
        )
        if attempt is None:
            return Dialed.TAKEN
        campaign = attempt.lead.campaign
        if campaign.status != Campaign.Status.SCHEDULED:
            _withdraw(attempt, campaign, due_at=attempt.lead.due_at)
            return Dialed.WITHDRAWN
        try:
            _place(attempt, campaign, now)
        except (NoCapacity, TooManyCalls):
            _withdraw(attempt, campaign, due_at=now + NO_LINE_DELAY)
            return Dialed.NO_LINE
        except (NotEnoughCredits, CallRefused) as refusal:
            _withdraw(attempt, campaign, due_at=attempt.lead.due_at)
            reason, detail = _halt_of(refusal)
        else:
            return Dialed.PLACED
    # In a transaction of its own: if we die here, the next attempt finds out again.
    halt_campaign(campaign=campaign, reason=reason, detail=detail)
    return Dialed.HALTED


def _place(attempt: Attempt, campaign: Campaign, now: datetime) -> None:
    lead = attempt.lead
    overrides = {}
    if campaign.system_message_template:
        overrides["instructions"] = campaign.system_message_template
    place_call(
        organization=attempt.organization,
        assistant=campaign.assistant,
        number=campaign.number,
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
        },
    )
    lifecycle.move_attempt(attempt.pk, Attempt.Status.PLACED, lease_until=None)
    Lead.objects.filter(pk=lead.pk).update(
        attempt_count=attempt.number, last_attempt_at=now
    )


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
        lifecycle.move_lead(attempt.lead_id, Lead.Status.SKIPPED)
    else:
        lifecycle.move_lead(attempt.lead_id, Lead.Status.PENDING, due_at=due_at)


def renew_claim(attempt: Attempt, *, now: datetime) -> bool:
    """Take over an attempt whose worker is late; return whether it is ours now."""
    return bool(
        Attempt.objects.filter(
            pk=attempt.pk,
            status=Attempt.Status.CLAIMED,
            lease_until=attempt.lease_until,
        ).update(lease_until=now + LEASE, worker_count=F("worker_count") + 1)
    )
