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
    """Have a lead that is done, or waits, called next; return whether we did.

    The attempts made still count. Raises `CampaignNotReady` when they are all made.
    """
    locked = _open_lead(lead)
    if locked.status == Lead.Status.CALLING:
        raise CampaignNotReady(_("This person is being called right now."))
    if locked.attempt_count >= locked.campaign.max_attempts:
        raise CampaignNotReady(
            _("All attempts are made. Allow more for each lead first.")
        )
    now = timezone.now()
    if locked.status == Lead.Status.PENDING:
        moved = bool(
            Lead.objects.filter(pk=locked.pk, status=Lead.Status.PENDING).update(
                due_at=now
            )
        )
    else:
        moved = lifecycle.move_lead(
            locked.pk, Lead.Status.PENDING, due_at=now, skip_reason=""
        )
    if moved:
        _record(locked, actor, "campaign.lead_requeued")
    return moved


def _open_lead(lead: Lead) -> Lead:
    """Return the lead with its campaign's row locked, so that it cannot end meanwhile."""
    locked = (
        Lead.objects.select_for_update(of=("self", "campaign"), no_key=True)
        .select_related("campaign")
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
