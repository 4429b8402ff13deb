"""The buttons of a campaign. Each is one move; pressing twice changes nothing."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns.errors import CampaignNotReady
from campaigns.queries import get_campaign
from campaigns.services import (
    cancel_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def campaign_launch(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Start calling."""
    campaign = get_campaign(campaign_id)
    try:
        if launch_campaign(campaign=campaign, actor=request.user):
            messages.success(request, _("Launched. The first calls start in a moment."))
    except CampaignNotReady as reason:
        messages.error(request, str(reason))
    return redirect("campaign_detail", campaign.pk)


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def campaign_pause(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Start no more calls."""
    campaign = get_campaign(campaign_id)
    if pause_campaign(campaign=campaign, actor=request.user):
        messages.success(request, _("Paused. Calls going on are finished."))
    return redirect("campaign_detail", campaign.pk)


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def campaign_resume(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Go on calling."""
    campaign = get_campaign(campaign_id)
    try:
        if resume_campaign(campaign=campaign, actor=request.user):
            messages.success(request, _("Running again."))
    except CampaignNotReady as reason:
        messages.error(request, str(reason))
    return redirect("campaign_detail", campaign.pk)


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def campaign_cancel(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """End it for good."""
    campaign = get_campaign(campaign_id)
    if cancel_campaign(campaign=campaign, actor=request.user):
        messages.success(
            request, _("Cancelled. Calls going on are finished, nobody else is called.")
        )
    return redirect("campaign_detail", campaign.pk)
