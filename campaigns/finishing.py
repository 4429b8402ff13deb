"""What becomes of a lead when its call has ended, and of a campaign at the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calls.models import Call
from campaigns import lifecycle, pacing, retries
from campaigns.models import Attempt, Campaign, Lead
from campaigns.outcomes import Outcome, outcome_of
from campaigns.services.running import halt_campaign
from campaigns.telling import tell_of_campaign, tell_of_lead

_EVIDENCE: Final = 10  # calls that are named when a campaign stops for its failures
Halt = Campaign.HaltReason


@dataclass(frozen=True)
class Result:
    """What one attempt came to."""

    outcome: Outcome
    disposition: str = ""
    cost_microcredits: int = 0


def finish_attempt_of_call(*, call_id: UUID) -> bool:
    """Report a call's end to its lead, once; return whether we did.

    `False` for a call that is no attempt, still goes on, or was reported before.
    """
    attempt = (
        Attempt.objects.select_related("lead__campaign", "lead__locality")
        .filter(call_id=call_id, status=Attempt.Status.PLACED)
        .first()
    )
    if attempt is None:
        return False
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        return finish_attempt(attempt=attempt, result=Result(Outcome.FAILED))
    if call.is_live:
        return False
    outcome = outcome_of(
        call.end_reason,
        was_connected=call.started_at is not None,
        duration_ms=call.duration_ms,
        dropped_below_ms=attempt.lead.campaign.dropped_below_s * 1000,
    )
    result = Result(outcome, call.disposition, call.cost_microcredits)
    return finish_attempt(attempt=attempt, result=result)


@transaction.atomic
def finish_attempt(*, attempt: Attempt, result: Result) -> bool:
    """Close an attempt and decide on its lead, once; complete the campaign if done.

    Locks the campaign's row, then the attempt's and the lead's.
    """
    now = timezone.now()
    campaign = Campaign.objects.select_for_update(no_key=True).get(
        pk=attempt.lead.campaign_id
    )
    if not lifecycle.move_attempt(
        attempt.pk,
        Attempt.Status.FINISHED,
        outcome=result.outcome,
        disposition=result.disposition,
        cost_microcredits=result.cost_microcredits,
        finished_at=now,
        lease_until=None,
    ):
        return False
    if result.cost_microcredits:
        Campaign.objects.filter(pk=campaign.pk).update(
            spent_microcredits=F("spent_microcredits") + result.cost_microcredits
        )
    _decide(attempt, campaign, result, now)
    tell_of_lead(attempt.lead_id, attempt.call_id)
    if not complete_if_done(campaign=campaign, now=now):
        _break_if_failing(campaign, result.outcome, now)
        _stop_if_spent(campaign, result.cost_microcredits)
    return True


def _decide(
    attempt: Attempt, campaign: Campaign, result: Result, now: datetime
) -> None:
    # Counted here as well: an attempt that was given up on was never placed.
    news: dict[str, Any] = {
        "last_outcome": result.outcome,
        "attempt_count": attempt.number,
        "disposition": result.disposition,
    }
    lead = Lead.objects.select_for_update(of=("self",), no_key=True).get(
        pk=attempt.lead_id
    )
    times = Attempt.objects.filter(
        lead=lead, status=Attempt.Status.FINISHED, outcome=result.outcome
    ).count()
    ended = retries.Ended(
        outcome=result.outcome,
        attempts_made=attempt.number,
        started_at=attempt.dialed_at or attempt.created_at,
        times=times,
        disposition=result.disposition,
        callback_at=lead.callback_at,
        zone=zone_of(lead),
    )
    match retries.after(ended, policy=campaign.retry_policy, now=now):
        case retries.Reached():
            lifecycle.move_lead(lead.pk, Lead.Status.COMPLETED, **news)
        case retries.GivenUp():
            lifecycle.move_lead(lead.pk, Lead.Status.FAILED, **news)
        case retries.TryAgain(at):
            if campaign.status == Campaign.Status.CANCELLED:
                news["skip_reason"] = Lead.SkipReason.CANCELLED
                lifecycle.move_lead(lead.pk, Lead.Status.SKIPPED, **news)
            else:
                lifecycle.move_lead(
                    lead.pk,
                    Lead.Status.PENDING,
                    only_from=Lead.Status.CALLING,
                    due_at=at,
                    **news,
                )


def zone_of(lead: Lead) -> ZoneInfo | None:
    """Return the first time zone a lead may be in."""
    zones = lead.locality.value.zones if lead.locality else ()
    return ZoneInfo(zones[0]) if zones else None


def complete_if_done(*, campaign: Campaign, now: datetime) -> bool:
    """Complete a running campaign with nobody left to call. Its row is locked."""
    if Lead.objects.unfinished().filter(campaign=campaign).exists():
        return False
    completed = lifecycle.move_campaign(
        campaign.pk, Campaign.Status.COMPLETED, finished_at=now
    )
    if completed:
        tell_of_campaign(campaign, "completed")
    return completed


def _break_if_failing(campaign: Campaign, outcome: Outcome, now: datetime) -> None:
    """Pause a campaign of whose last attempts too many failed, and keep the evidence."""
    if outcome is not Outcome.FAILED or campaign.status != Campaign.Status.SCHEDULED:
        return
    since = now - timedelta(seconds=pacing.BREAKER_WINDOW_S)
    # What failed before somebody looked and resumed does not count twice.
    since = max(since, campaign.resumed_at or since)
    recent = list(
        Attempt.objects.filter(
            lead__campaign=campaign,
            status=Attempt.Status.FINISHED,
            finished_at__gt=since,
        ).values_list("outcome", "call_id")
    )
    failed = [call_id for result, call_id in recent if result == Outcome.FAILED]
    health = pacing.Health(attempts=len(recent), failures=len(failed))
    if not pacing.must_break(health):
        return
    calls = Call.objects.filter(pk__in=failed[:_EVIDENCE])
    reasons = {call.pk: call.error or call.end_reason for call in calls}
    evidence = {
        "attempts": health.attempts,
        "failures": health.failures,
        "seconds": pacing.BREAKER_WINDOW_S,
        "calls": [
            {"call_id": str(call_id), "error": reasons.get(call_id, "")}
            for call_id in failed[:_EVIDENCE]
        ],
    }
    halt_campaign(campaign=campaign, reason=Halt.TOO_MANY_FAILURES, evidence=evidence)


def _stop_if_spent(campaign: Campaign, cost: int) -> None:
    budget = campaign.budget_microcredits
    if budget is None or campaign.status != Campaign.Status.SCHEDULED:
        return
    spent = campaign.spent_microcredits + cost
    if spent >= budget:
        evidence = {"budget": budget, "spent": spent}
        halt_campaign(campaign=campaign, reason=Halt.BUDGET_SPENT, evidence=evidence)
