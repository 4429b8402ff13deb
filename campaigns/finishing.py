"""What becomes of a lead when its call has ended, and of a campaign at the last one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from calls.models import Call, CallAnalysis
from calls.session.events import EndReason
from campaigns import lifecycle, pacing, retries
from campaigns.models import Attempt, Campaign, Lead, LeadImport
from campaigns.outcomes import Outcome, outcome_of
from campaigns.services.running import halt_campaign
from campaigns.suppressing import is_suppressed
from campaigns.telling import tell_of_campaign, tell_of_lead

_EVIDENCE: Final = 10  # calls that are named when a campaign stops for its failures
# An analysis that takes longer than this is not waited for.
_RESULTS_WITHIN: Final = timedelta(minutes=30)
_READ_OF_CALL: Final = (
    "status",
    "end_reason",
    "started_at",
    "duration_ms",
    "disposition",
    "cost_microcredits",
)
Halt = Campaign.HaltReason


@dataclass(frozen=True)
class Result:
    """What one attempt came to."""

    outcome: Outcome
    disposition: str = ""
    cost_microcredits: int = 0


@transaction.atomic
def finish_attempt_of_call(*, call_id: UUID) -> bool:
    """Report a call's end to its lead, once; return whether we did.

    `False` for a call that is no attempt, still goes on, or was reported before.
    """
    attempt = (
        Attempt.objects.select_related("lead")
        .filter(call_id=call_id, status=Attempt.Status.PLACED)
        .first()
    )
    if attempt is None:
        return False
    call = Call.objects.only(*_READ_OF_CALL).filter(pk=call_id).first()
    if call is None:
        return finish_attempt(attempt=attempt, result=Result(Outcome.FAILED))
    if call.is_live:
        return False
    campaign = _locked_campaign(attempt)
    outcome = outcome_of(
        call.end_reason,
        was_connected=call.started_at is not None,
        duration_ms=call.duration_ms,
        dropped_below_ms=campaign.dropped_below_s * 1000,
    )
    result = Result(outcome, call.disposition, call.cost_microcredits)
    return _finish(attempt, campaign, result)


@transaction.atomic
def finish_attempt(*, attempt: Attempt, result: Result) -> bool:
    """Close an attempt and decide on its lead, once; complete the campaign if done.

    Locks the campaign's row, then the attempt's and the lead's.
    """
    return _finish(attempt, _locked_campaign(attempt), result)


def _locked_campaign(attempt: Attempt) -> Campaign:
    return Campaign.objects.select_for_update(no_key=True).get(
        pk=attempt.lead.campaign_id
    )


def _finish(attempt: Attempt, campaign: Campaign, result: Result) -> bool:
    now = timezone.now()
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
    lead = _locked_lead(attempt)
    _decide(attempt, lead, campaign, result, now)
    tell_of_lead(lead, attempt.call_id)
    if not complete_if_done(campaign=campaign, now=now):
        _break_if_failing(campaign, result.outcome, now)
        _stop_if_spent(campaign, result.cost_microcredits)
    return True


def _decide(
    attempt: Attempt, lead: Lead, campaign: Campaign, result: Result, now: datetime
) -> None:
    # Counted here as well: an attempt that was given up on was never placed.
    news: dict[str, Any] = {
        "last_outcome": result.outcome,
        "attempt_count": attempt.number,
        "disposition": result.disposition,
    }
    ended = _ended(attempt, lead, campaign, result.outcome, result.disposition)
    match retries.after(ended, policy=campaign.retry_policy, now=now):
        case retries.Reached():
            lifecycle.move_loaded_lead(lead, Lead.Status.COMPLETED, **news)
        case retries.GivenUp():
            lifecycle.move_loaded_lead(lead, Lead.Status.FAILED, **news)
        case retries.TryAgain() if is_suppressed(lead):
            news["skip_reason"] = Lead.SkipReason.SUPPRESSED
            lifecycle.move_loaded_lead(lead, Lead.Status.SKIPPED, **news)
        case retries.TryAgain(at):
            if campaign.status == Campaign.Status.CANCELLED:
                news["skip_reason"] = Lead.SkipReason.CANCELLED
                lifecycle.move_loaded_lead(lead, Lead.Status.SKIPPED, **news)
            else:
                lifecycle.move_loaded_lead(
                    lead,
                    Lead.Status.PENDING,
                    only_from=Lead.Status.CALLING,
                    due_at=at,
                    **news,
                )


def _locked_lead(attempt: Attempt) -> Lead:
    return (
        Lead.objects.select_for_update(of=("self",), no_key=True)
        .select_related("locality", "organization")
        .get(pk=attempt.lead_id)
    )


def _ended(
    attempt: Attempt,
    lead: Lead,
    campaign: Campaign,
    outcome: Outcome,
    disposition: str,
) -> retries.Ended:
    """Return an attempt as the rules see it; its row says already that it is over."""
    counts = {"times": 1, "named": 1}
    rule = campaign.retry_policy.rule_for(outcome, disposition)
    if rule is not None and rule.counts_times:
        over = Attempt.objects.filter(lead=lead, status=Attempt.Status.FINISHED)
        counts = over.aggregate(
            times=Count("pk", filter=Q(outcome=outcome)),
            named=Count("pk", filter=Q(disposition=disposition)),
        )
    return retries.Ended(
        outcome=outcome,
        attempts_made=attempt.number,
        started_at=attempt.dialed_at or attempt.created_at,
        times=counts["times"],
        disposition=disposition,
        disposition_times=counts["named"],
        callback_at=lead.callback_at,
        zone=zone_of(lead),
    )


@transaction.atomic
def apply_disposition(*, call_id: UUID) -> bool:
    """Take over what an analysis found to be the result of a call; return whether we did.

    Once for each attempt. A rule of the campaign for this result has the person called
    again, within their attempts; a campaign that has ended keeps the result alone.
    Locks as `finish_attempt` does.
    """
    attempt = (
        Attempt.objects.select_related("lead")
        .filter(call_id=call_id, status=Attempt.Status.FINISHED, disposition="")
        .first()
    )
    call = Call.objects.filter(pk=call_id).exclude(disposition="").first()
    if attempt is None or call is None:
        return False
    campaign = _locked_campaign(attempt)
    if not Attempt.objects.filter(pk=attempt.pk, disposition="").update(
        disposition=call.disposition
    ):
        return False
    lead = _locked_lead(attempt)
    if lead.attempt_count == attempt.number:
        Lead.objects.filter(pk=lead.pk).update(disposition=call.disposition)
        lead.disposition = call.disposition
        _follow_disposition(attempt, campaign, lead, call.disposition)
    complete_if_done(campaign=campaign, now=timezone.now())
    return True


def _follow_disposition(
    attempt: Attempt, campaign: Campaign, lead: Lead, disposition: str
) -> None:
    policy = campaign.retry_policy
    is_settled = lead.status in (Lead.Status.CALLING, Lead.Status.SKIPPED)
    if campaign.is_final or is_settled or policy.named(disposition) is None:
        return
    ended = _ended(attempt, lead, campaign, Outcome(attempt.outcome), disposition)
    found = retries.after(ended, policy=policy, now=timezone.now())
    if not isinstance(found, retries.TryAgain) or is_suppressed(lead):
        return  # somebody was spoken to, so that the lead stays as it is
    if lead.status == Lead.Status.PENDING:
        Lead.objects.filter(pk=lead.pk, status=lead.status).update(due_at=found.at)
        lead.due_at = found.at
    else:
        lifecycle.move_loaded_lead(lead, Lead.Status.PENDING, due_at=found.at)
    tell_of_lead(lead, attempt.call_id)


def zone_of(lead: Lead) -> ZoneInfo | None:
    """Return the first time zone a lead may be in."""
    zones = lead.locality.value.zones if lead.locality else ()
    return ZoneInfo(zones[0]) if zones else None


def complete_if_done(*, campaign: Campaign, now: datetime) -> bool:
    """Complete a running campaign with nobody left to call. Its row is locked.

    Whose rules follow results of conversations waits for those that are not known yet,
    and so does one whose list is still being imported.
    """
    if Lead.objects.first_unfinished(campaign):
        return False
    if campaign.imports.filter(status__in=LeadImport.OPEN).exists():
        return False
    if _awaits_results(campaign, now):
        return False
    completed = lifecycle.move_campaign(
        campaign.pk, Campaign.Status.COMPLETED, finished_at=now
    )
    if completed:
        tell_of_campaign(campaign, "completed")
    return completed


def _awaits_results(campaign: Campaign, now: datetime) -> bool:
    if not any(rule.startswith(retries.DISPOSITION) for rule in campaign.retry_rules):
        return False
    spoken = Attempt.objects.filter(
        lead__campaign=campaign,
        status=Attempt.Status.FINISHED,
        finished_at__gt=now - _RESULTS_WITHIN,
        disposition="",
    )
    waiting = CallAnalysis.objects.filter(
        status__in=(CallAnalysis.Status.PENDING, CallAnalysis.Status.RUNNING)
    )
    return waiting.filter(call__in=spoken.values("call_id")).exists()


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
    # What a person ended while it rang says nothing of the line.
    ended = set(
        Call.objects.filter(
            pk__in=failed, end_reason=EndReason.OPERATOR_HANGUP
        ).values_list("pk", flat=True)
    )
    failed = [call_id for call_id in failed if call_id not in ended]
    health = pacing.Health(attempts=len(recent) - len(ended), failures=len(failed))
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
