"""Changing single leads of a campaign that has not ended."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import lifecycle
from campaigns.errors import CampaignIsFinal, CampaignNotReady
from campaigns.models import Lead
from campaigns.places import locality_ids, place_of
from campaigns.suppressing import is_suppressed
from portal.models import User
from portal.services import audit

EDITABLE = frozenset(
    {"name", "variables", "is_priority", "consent_basis", "consent_proof"}
)


@transaction.atomic
def change_lead(
    *,
    lead: Lead,
    changes: dict[str, Any],
    actor: User | None,
    zone: str | None = None,
    state: str | None = None,
) -> None:
    """Set these fields for the calls to come, and where the person is.

    Raises `CampaignIsFinal`.
    """
    assert changes.keys() <= EDITABLE
    locked = _open_lead(lead)
    changed = {k: v for k, v in changes.items() if getattr(locked, k) != v}
    if zone is not None or state is not None:
        place = place_of(locked.phone_number, zone=zone or "", state=state or "")
        changed["locality_id"] = locality_ids([place])[place]
    if not changed:
        return
    Lead.objects.filter(pk=locked.pk).update(**changed)
    _record(locked, actor, "campaign.lead_changed", fields=sorted(changed))


@transaction.atomic
def skip_lead(*, lead: Lead, actor: User | None) -> bool:
    """Take a lead that waits out of the calls; return whether we did."""
    locked = _open_lead(lead)
    skipped = lifecycle.move_lead(
        locked.pk,
        Lead.Status.SKIPPED,
        only_from=Lead.Status.PENDING,
        skip_reason=Lead.SkipReason.BY_HAND,
    )
    if skipped:
        _record(locked, actor, "campaign.lead_skipped")
    return skipped


@transaction.atomic
def requeue_lead(*, lead: Lead, actor: User | None) -> bool:
    """Have a lead that is done, or waits, called before all others; return whether we did.

    The attempts made still count. Raises `CampaignNotReady` when they are all made, for
    who is being called, and for who must not be.
    """
    locked = _open_lead(lead)
    if refusal := why_not_next(locked):
        raise CampaignNotReady(refusal, param="status")
    first: dict[str, Any] = {"due_at": timezone.now(), "is_priority": True}
    if locked.status == Lead.Status.PENDING:
        waiting = Lead.objects.filter(pk=locked.pk, status=Lead.Status.PENDING)
        moved = bool(waiting.update(**first))
    else:
        moved = lifecycle.move_lead(
            locked.pk, Lead.Status.PENDING, skip_reason="", **first
        )
    if moved:
        _record(locked, actor, "campaign.lead_requeued")
    return moved


def why_not_next(lead: Lead) -> str:
    """Return why somebody cannot be called next; empty when they can."""
    if lead.status == Lead.Status.CALLING:
        return _("This person is being called right now.")
    if lead.attempt_count >= lead.campaign.max_attempts:
        return _("All attempts are made. Allow more for each lead first.")
    if is_suppressed(lead):
        return _("This number is on a list of numbers that are not called.")
    return ""


def why_not_skipped(lead: Lead) -> str:
    """Return why somebody cannot be skipped; empty when they can."""
    match lead.status:
        case Lead.Status.PENDING:
            return ""
        case Lead.Status.CALLING:
            return _(
                "This person is being called right now. End the call on its page, or "
                "skip them when it is over."
            )
    return _("Nobody calls this person again as it is.")


def _open_lead(lead: Lead) -> Lead:
    """Return the lead with its campaign's row locked, so that it cannot end meanwhile."""
    locked = (
        Lead.objects.select_for_update(of=("self", "campaign"), no_key=True)
        .select_related("campaign", "organization")
        .get(pk=lead.pk)
    )
    if locked.campaign.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    return locked


def _record(lead: Lead, actor: User | None, action: str, **changes: Any) -> None:
    audit.record(
        organization=lead.organization,
        actor=actor,
        action=action,
        target=lead.campaign,
        changes={"lead": str(lead.pk), **changes},
    )
