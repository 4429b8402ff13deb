"""One person of a campaign: why they were called or not, and what to do about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns.errors import CampaignError
from campaigns.explaining import REASONS, explain_lead
from campaigns.lead_form import LeadForm
from campaigns.models import Decision, Lead
from campaigns.queries import get_campaign
from campaigns.services import change_lead, requeue_lead, skip_lead
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def lead_why(request: MemberRequest, campaign_id: UUID, lead_id: UUID) -> HttpResponse:
    """Why this person was called, or was not: every check with its answer."""
    lead = _lead(campaign_id, lead_id)
    found = explain_lead(lead)
    records = [(record, _reason_of(record)) for record in found.records]
    context = {
        "campaign": lead.campaign,
        "lead": lead,
        "why": found,
        "records": records,
        "attempts": lead.attempts.all(),
        "is_final": lead.campaign.is_final,
    }
    return render(request, "campaigns/lead_why.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def lead_edit(request: MemberRequest, campaign_id: UUID, lead_id: UUID) -> HttpResponse:
    """Correct what is known of a person; it holds from the next call on."""
    lead = _lead(campaign_id, lead_id)
    if lead.campaign.is_final:
        messages.info(request, _("This campaign has ended and stays as it is."))
        return redirect("lead_why", campaign_id, lead_id)
    form = LeadForm(request.POST or None, lead=lead)
    if request.method == "POST" and form.is_valid():
        try:
            change_lead(
                lead=lead, changes=form.changes, zone=form.zone, actor=request.user
            )
        except CampaignError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Saved. It holds for the next call."))
        return redirect("lead_why", campaign_id, lead_id)
    context = {"campaign": lead.campaign, "lead": lead, "form": form}
    status = 422 if form.errors else 200
    return render(request, "campaigns/lead_form.html", context, status=status)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def lead_skip(request: MemberRequest, campaign_id: UUID, lead_id: UUID) -> HttpResponse:
    """Take somebody who waits out of the calls."""
    lead = _lead(campaign_id, lead_id)
    try:
        if skip_lead(lead=lead, actor=request.user):
            messages.success(request, _("Skipped. This person is not called."))
    except CampaignError as refusal:
        messages.error(request, str(refusal))
    return redirect("lead_why", campaign_id, lead_id)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def lead_requeue(
    request: MemberRequest, campaign_id: UUID, lead_id: UUID
) -> HttpResponse:
    """Have somebody called next, whatever came before."""
    lead = _lead(campaign_id, lead_id)
    try:
        if requeue_lead(lead=lead, actor=request.user):
            change_lead(lead=lead, changes={"is_priority": True}, actor=request.user)
            messages.success(request, _("This person is next."))
    except CampaignError as refusal:
        messages.error(request, str(refusal))
    return redirect("lead_why", campaign_id, lead_id)


def _reason_of(record: Decision) -> str:
    if record.answer == Decision.Answer.DIALED:
        return _("Nothing stood in the way.")
    return str(REASONS.get(record.reason, record.reason))


def _lead(campaign_id: UUID, lead_id: UUID) -> Lead:
    found = (
        Lead.objects.select_related(
            "locality", "campaign__organization", "campaign__number"
        )
        .prefetch_related("attempts")
        .filter(campaign=get_campaign(campaign_id), pk=lead_id)
        .first()
    )
    if found is None:
        raise Http404("No such lead.")
    return found
