"""Acting on what people asked for in calls: at once, and exactly once each."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls.models import CallWish
from campaigns import lifecycle
from campaigns.models import Attempt, Campaign, Lead, SuppressionEntry
from campaigns.suppressing import suppress_numbers
from portal.scope import Scope, all_organizations, scoped

BATCH: Final = 100
Kind, Source = CallWish.Kind, SuppressionEntry.Source


def apply_wishes(*, call_id: UUID) -> int:
    """Act on the wishes of one call that nobody has acted on; return how many."""
    waiting = CallWish.objects.filter(call_id=call_id, applied_at__isnull=True)
    return sum(
        apply_wish(wish_id=wish_id) for wish_id in waiting.values_list("pk", flat=True)
    )


@transaction.atomic
def apply_wish(*, wish_id: UUID) -> bool:
    """Act on one wish, once over all workers; return whether we did."""
    wish = (
        CallWish.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("call__organization")
        .filter(pk=wish_id, applied_at__isnull=True)
        .first()
    )
    if wish is None:
        return False
    if wish.kind == Kind.DO_NOT_CALL:
        suppress_numbers(
            organization=wish.call.organization,
            numbers=[wish.call.other_number],
            source=Source.DIGIT if wish.way == CallWish.Way.DIGIT else Source.SPEECH,
            actor=None,
            call_id=wish.call_id,
        )
    else:
        _call_back(wish)
    CallWish.objects.filter(pk=wish.pk).update(applied_at=timezone.now())
    return True


def _call_back(wish: CallWish) -> None:
    """Have the lead called at the time it asked for, within its attempts.

    While the call goes on the time is kept for its end; afterwards the lead is due then.
    """
    attempt = Attempt.objects.filter(call_id=wish.call_id).first()
    if attempt is None:
        return
    lead = (
        Lead.objects.select_for_update(of=("self",), no_key=True)
        .select_related("campaign")
        .get(pk=attempt.lead_id)
    )
    Lead.objects.filter(pk=lead.pk).update(callback_at=wish.call_back_at)
    is_over = attempt.status == Attempt.Status.FINISHED
    if is_over and may_be_queued(lead):
        lifecycle.move_lead(lead.pk, Lead.Status.PENDING, due_at=wish.call_back_at)


def may_be_queued(lead: Lead) -> bool:
    """Whether a lead that is done may be called again: its campaign runs, its budget lasts."""
    return (
        lead.status in (Lead.Status.COMPLETED, Lead.Status.FAILED)
        and lead.campaign.status not in Campaign.FINAL
        and lead.attempt_count < lead.campaign.max_attempts
    )


def apply_left_wishes() -> int:
    """Act on wishes whose message was lost; return how many."""
    with all_organizations("the sweeper looks after every organization's wishes"):
        left = list(
            CallWish.objects.filter(applied_at__isnull=True).order_by("created_at")[
                :BATCH
            ]
        )
    applied = 0
    for wish in left:
        with scoped(Scope(wish.agency_id, wish.organization_id)):
            applied += apply_wish(wish_id=wish.pk)
    return applied
