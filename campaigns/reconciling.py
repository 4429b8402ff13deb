"""Finding what a dead worker or a lost message left behind.

Each function claims row by row with a conditional update, so any number may run at
once. Together they leave no lead stuck for longer than a lease and one interval.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from calls.models import Call
from campaigns.dialing import dial_attempts, renew_claim
from campaigns.finishing import (
    Result,
    apply_disposition,
    complete_if_done,
    finish_attempt,
    finish_attempt_of_call,
)
from campaigns.models import Attempt, Campaign, Lead
from campaigns.outcomes import Outcome
from campaigns.wishes import apply_left_wishes
from portal.scope import Scope, all_organizations, scoped

logger = logging.getLogger(__name__)

BATCH: Final = 200
MAX_WORKERS: Final = 5  # that failed to place one attempt before it is given up
_TOO_FAR: Final = timedelta(minutes=1)
_LATEST_RESULTS: Final = timedelta(minutes=30)
_REASON: Final = "the sweeper looks after every organization's campaigns"


def _scope_of(row: Attempt | Campaign) -> Scope:
    return Scope(row.agency_id, row.organization_id)


def reconcile() -> None:
    """Do everything below once."""
    redial_late_attempts()
    finish_ended_attempts()
    apply_left_wishes()
    apply_left_dispositions()
    skip_leads_of_cancelled_campaigns()
    skip_leads_after_the_last_day()
    complete_finished_campaigns()


def redial_late_attempts() -> int:
    """Dial attempts whose worker did not place them in time; return how many."""
    now = timezone.now()
    with all_organizations(_REASON):
        late = list(
            Attempt.objects.filter(
                # A lease that ends too late was given by a clock since put back.
                Q(lease_until__lt=now) | Q(lease_until__gt=now + _TOO_FAR),
                status=Attempt.Status.CLAIMED,
            ).select_related("lead")[:BATCH]
        )
    ours: dict[Scope, list[Attempt]] = {}
    for attempt in late:
        with scoped(_scope_of(attempt)):
            if renew_claim(attempt, now=now):
                ours.setdefault(_scope_of(attempt), []).append(attempt)
    for scope, attempts in ours.items():
        with scoped(scope):
            _dial_again(attempts)
    return sum(map(len, ours.values()))


def _dial_again(attempts: list[Attempt]) -> None:
    dial_attempts([a.pk for a in attempts if a.worker_count < MAX_WORKERS])
    for attempt in attempts:
        if attempt.worker_count >= MAX_WORKERS:
            logger.error("attempt given up", extra={"attempt_id": str(attempt.pk)})
            finish_attempt(attempt=attempt, result=Result(Outcome.FAILED))


def finish_ended_attempts() -> int:
    """Report calls that ended without our hearing of it; return how many."""
    with all_organizations(_REASON):
        live = Call.objects.live().filter(pk=OuterRef("call_id"))
        ended = list(
            Attempt.objects.filter(~Exists(live), status=Attempt.Status.PLACED)[:BATCH]
        )
    finished = 0
    for attempt in ended:
        with scoped(_scope_of(attempt)):
            finished += finish_attempt_of_call(call_id=attempt.call_id)
    return finished


def apply_left_dispositions() -> int:
    """Follow results of calls whose message was lost; return how many."""
    with all_organizations(_REASON):
        known = Call.objects.filter(pk=OuterRef("call_id")).exclude(disposition="")
        left = list(
            Attempt.objects.filter(
                Exists(known),
                status=Attempt.Status.FINISHED,
                outcome__in=(Outcome.ANSWERED, Outcome.DROPPED, Outcome.VOICEMAIL),
                disposition="",
                finished_at__gt=timezone.now() - _LATEST_RESULTS,
            )[:BATCH]
        )
    applied = 0
    for attempt in left:
        with scoped(_scope_of(attempt)):
            applied += apply_disposition(call_id=attempt.call_id)
    return applied


def skip_leads_of_cancelled_campaigns() -> int:
    """Skip leads that were put back while their campaign was being cancelled."""
    with all_organizations(_REASON):
        return Lead.objects.filter(
            status=Lead.Status.PENDING, campaign__status=Campaign.Status.CANCELLED
        ).update(status=Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.CANCELLED)


def skip_leads_after_the_last_day() -> int:
    """Skip leads of campaigns whose last day is over in every time zone."""
    over = timezone.now().date() - timedelta(days=1)
    with all_organizations(_REASON):
        return Lead.objects.filter(
            status=Lead.Status.PENDING,
            campaign__status=Campaign.Status.SCHEDULED,
            campaign__ends_on__lt=over,
        ).update(status=Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.CAMPAIGN_OVER)


def complete_finished_campaigns() -> int:
    """Complete running campaigns with nobody left to call; return how many."""
    with all_organizations(_REASON):
        done = list(Campaign.objects.running().without_open_leads()[:BATCH])
    completed = 0
    for campaign in done:
        with scoped(_scope_of(campaign)), transaction.atomic():
            locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
            completed += complete_if_done(campaign=locked, now=timezone.now())
    return completed
