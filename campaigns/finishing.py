"""What becomes of a lead when its call has ended, and of a campaign at the last one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls.models import Call
from campaigns import lifecycle, retries
from campaigns.models import Attempt, Campaign, Lead
from campaigns.outcomes import Outcome, outcome_of


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
    call = Call.objects.filter(pk=call_id).first()
    if call is None:
        return finish_attempt(attempt=attempt, outcome=Outcome.FAILED)
    if call.is_live:
        return False
    outcome = outcome_of(call.end_reason, was_connected=call.started_at is not None)
    return finish_attempt(attempt=attempt, outcome=outcome)


@transaction.atomic
def finish_attempt(*, attempt: Attempt, outcome: Outcome) -> bool:
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
        outcome=outcome,
        finished_at=now,
        lease_until=None,
    ):
        return False
    _decide(attempt, campaign, outcome, now)
    complete_if_done(campaign=campaign, now=now)
    return True


def _decide(
    attempt: Attempt, campaign: Campaign, outcome: Outcome, now: datetime
) -> None:
    # Counted here as well: an attempt that was given up on was never placed.
    news = {"last_outcome": outcome, "attempt_count": attempt.number}
    policy = retries.RetryPolicy(
        campaign.max_attempts, retries.Rule((campaign.retry_delay_s,))
    )
    ended = retries.Ended(outcome, attempt.number, attempt.created_at)
    match retries.after(ended, policy=policy, now=now):
        case retries.Reached():
            lifecycle.move_lead(attempt.lead_id, Lead.Status.COMPLETED, **news)
        case retries.GivenUp():
            lifecycle.move_lead(attempt.lead_id, Lead.Status.FAILED, **news)
        case retries.TryAgain(at):
            if campaign.status == Campaign.Status.CANCELLED:
                lifecycle.move_lead(attempt.lead_id, Lead.Status.SKIPPED, **news)
            else:
                lifecycle.move_lead(
                    attempt.lead_id, Lead.Status.PENDING, due_at=at, **news
                )


def complete_if_done(*, campaign: Campaign, now: datetime) -> bool:
    """Complete a running campaign with nobody left to call. Its row is locked."""
    if Lead.objects.unfinished().filter(campaign=campaign).exists():
        return False
    return lifecycle.move_campaign(
        campaign.pk, Campaign.Status.COMPLETED, finished_at=now
    )
