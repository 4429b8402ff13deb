"""Changing and removing campaigns and their leads."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.errors import CampaignIsFinal, CampaignNotReady
from campaigns.models import Attempt, Campaign, Lead
from portal.models import User
from portal.services import audit

_COMPARED: Final = frozenset({"variant_assistant", "variant_percent"})


@transaction.atomic
def change_campaign(
    *, campaign: Campaign, changes: dict[str, Any], actor: User | None
) -> None:
    """Set these fields for the calls to come.

    Locks the row, so that it cannot end meanwhile; the same values make no record.
    Raises `CampaignIsFinal`, and `CampaignNotReady` for a comparison that begins late.
    """
    locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    changed = {
        name: value for name, value in changes.items() if getattr(locked, name) != value
    }
    if not changed:
        return
    if locked.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    _require_fair_comparison(locked, changed)
    Campaign.objects.filter(pk=locked.pk).update(**changed)
    audit.record(
        organization=locked.organization,
        actor=actor,
        action="campaign.changed",
        target=locked,
        changes=changed,
    )


def _require_fair_comparison(campaign: Campaign, changed: dict[str, Any]) -> None:
    """Refuse two assistants whose people chance did not divide from the first call on."""
    wanted = changed.get("variant_assistant", campaign.variant_assistant)
    if wanted is None or changed.keys().isdisjoint(_COMPARED):
        return
    if Attempt.objects.filter(lead__campaign=campaign).exists():
        raise CampaignNotReady(
            _(
                "People were called already. Which assistant calls whom is decided by "
                "chance from the first call on: copy this campaign to compare two."
            ),
            param="variant_assistant_id",
        )


@transaction.atomic
def delete_campaign(*, campaign: Campaign, actor: User | None) -> None:
    """Delete a campaign and its leads; the calls stay. Raises `CampaignNotReady`.

    One that runs, or has a call going on, is to be cancelled first.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    is_running = locked.status == Campaign.Status.SCHEDULED
    if is_running or Attempt.objects.open().filter(lead__campaign=locked).exists():
        raise CampaignNotReady(
            _("This campaign is calling. Cancel it and wait for its calls to end.")
        )
    audit.record(
        organization=locked.organization,
        actor=actor,
        action="campaign.deleted",
        target=locked,
        changes={"name": locked.name},
    )
    locked.delete()


@transaction.atomic
def delete_lead(*, lead: Lead, actor: User | None) -> None:
    """Take a person out of a campaign that has not ended.

    Raises `CampaignNotReady` while they are called, and `CampaignIsFinal`.
    """
    locked = (
        Lead.objects.select_for_update(of=("self", "campaign"))
        .select_related("campaign")
        .get(pk=lead.pk)
    )
    if locked.campaign.is_final:
        raise CampaignIsFinal(_("This campaign has ended. Make a new one instead."))
    if locked.status == Lead.Status.CALLING:
        raise CampaignNotReady(_("This person is being called right now."))
    audit.record(
        organization=locked.organization,
        actor=actor,
        action="campaign.lead_deleted",
        target=locked.campaign,
        changes={"lead": str(locked.pk)},
    )
    locked.delete()
