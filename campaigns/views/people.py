"""One person of a campaign: why they were called or not, and what to do about it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calls.models import Call
from campaigns.errors import CampaignError
from campaigns.explaining import REASONS, explain_lead
from campaigns.lead_form import LeadForm
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.queries import get_campaign
from campaigns.services import change_lead, requeue_lead, skip_lead
from campaigns.services.leads import why_not_next, why_not_skipped
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
        "can_be_next": not why_not_next(lead),
        "can_be_skipped": not why_not_skipped(lead),
        "open_call": _open_call(lead),
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
        else:
            lead.refresh_from_db(fields=["status"])
            messages.error(request, why_not_skipped(lead))
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
            messages.success(request, _next_text(lead.campaign))
    except CampaignError as refusal:
        messages.error(request, str(refusal))
    return redirect("lead_why", campaign_id, lead_id)


def _open_call(lead: Lead) -> Call | None:
    """Return the call that is going on with a person, once it is placed."""
    placed = lead.attempts.filter(status=Attempt.Status.PLACED).values("call_id")
    return Call.objects.live().filter(pk__in=placed).only("pk").first()


def _next_text(campaign: Campaign) -> str:
    match campaign.status:
        case Campaign.Status.DRAFT:
            return _("This person is the first once the campaign is launched.")
        case Campaign.Status.PAUSED:
            return _("This person is next once the campaign is resumed.")
    return _("This person is next.")


def _reason_of(record: Decision) -> str:
    if record.answer == Decision.Answer.DIALED:
        return _("Nothing stood in the way.")
    return str(REASONS.get(record.reason, record.reason))


def _lead(campaign_id: UUID, lead_id: UUID) -> Lead:
    found = (
        Lead.objects.select_related(
            "locality", "organization", "campaign__organization", "campaign__number"
        )
        .prefetch_related("attempts")
        .filter(campaign=get_campaign(campaign_id), pk=lead_id)
        .first()
    )
    if found is None:
        raise Http404("No such lead.")
    return found
