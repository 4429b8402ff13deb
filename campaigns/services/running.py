"""Launching, pausing, resuming and cancelling. Losing a race is not an error."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_lazy

from campaigns import lifecycle
from campaigns.errors import CampaignNotReady
from campaigns.models import Campaign, Lead
from campaigns.telling import tell_of_campaign
from portal.features import Feature, is_on
from portal.models import User
from portal.services import audit

S = Campaign.Status
CAMPAIGNS_OFF = gettext_lazy("Campaigns are switched off for %(name)s.")


@transaction.atomic
def launch_campaign(*, campaign: Campaign, actor: User | None) -> bool:
    """Start a draft; return whether we did. Raises `CampaignNotReady`.

    The dialer finds a running campaign by itself; nothing is sent.
    """
    if not Lead.objects.first_unfinished(campaign):
        raise CampaignNotReady(_("There is nobody to call. Add leads first."))
    _require_ready(campaign)
    started = lifecycle.move_campaign(
        campaign.pk, S.SCHEDULED, only_from=S.DRAFT, started_at=timezone.now()
    )
    return _recorded(campaign, actor, "campaign.launched", moved=started)


@transaction.atomic
def resume_campaign(*, campaign: Campaign, actor: User | None) -> bool:
    """Go on after a pause; return whether we did. Raises `CampaignNotReady`."""
    _require_ready(campaign)
    resumed = lifecycle.move_campaign(
        campaign.pk,
        S.SCHEDULED,
        only_from=S.PAUSED,
        resumed_at=timezone.now(),
        halt_reason="",
        halt_detail="",
        halt_evidence={},
    )
    return _recorded(campaign, actor, "campaign.resumed", moved=resumed)


@transaction.atomic
def pause_campaign(*, campaign: Campaign, actor: User | None) -> bool:
    """Start no more calls; those going on are finished. Return whether we did."""
    paused = lifecycle.move_campaign(campaign.pk, S.PAUSED)
    return _recorded(campaign, actor, "campaign.paused", moved=paused)


@transaction.atomic
def halt_campaign(
    *,
    campaign: Campaign,
    reason: Campaign.HaltReason,
    detail: str = "",
    evidence: dict[str, Any] | None = None,
) -> bool:
    """Pause a campaign because it cannot call, and say why. Return whether we did."""
    halted = lifecycle.move_campaign(
        campaign.pk,
        S.PAUSED,
        halt_reason=reason,
        halt_detail=detail[:300],
        halt_evidence=evidence or {},
    )
    return _recorded(campaign, None, "campaign.halted", moved=halted, reason=reason)


@transaction.atomic
def cancel_campaign(*, campaign: Campaign, actor: User | None) -> bool:
    """End a campaign for good; return whether we did.

    Leads that wait are skipped; calls going on are finished and reported.
    """
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    cancelled = lifecycle.move_campaign(
        campaign.pk, S.CANCELLED, finished_at=timezone.now()
    )
    if cancelled:
        Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING).update(
            status=Lead.Status.SKIPPED, skip_reason=Lead.SkipReason.CANCELLED
        )
    return _recorded(campaign, actor, "campaign.cancelled", moved=cancelled)


def _require_ready(campaign: Campaign) -> None:
    if not is_on(campaign.organization, Feature.CAMPAIGNS):
        raise CampaignNotReady(CAMPAIGNS_OFF % {"name": campaign.organization.name})
    assistant = campaign.assistant
    if assistant.deleted_at or not assistant.is_active:
        raise CampaignNotReady(
            _("The assistant “%(name)s” is switched off. Activate it first.")
            % {"name": assistant.name},
            param="assistant_id",
        )
    if not campaign.number.is_active:
        raise CampaignNotReady(
            _("The number %(number)s is switched off. Activate it first.")
            % {"number": campaign.number.number},
            param="number_id",
        )


def _recorded(
    campaign: Campaign,
    actor: User | None,
    action: str,
    *,
    moved: bool,
    **changes: str,
) -> bool:
    if moved:
        audit.record(
            organization=campaign.organization,
            actor=actor,
            action=action,
            target=campaign,
            changes=dict(changes),
        )
        happened = "paused" if action == "campaign.halted" else action.split(".")[1]
        tell_of_campaign(campaign, happened)
    return moved
