"""Making a campaign and adding people to it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from calls.models import PhoneNumber
from campaigns.errors import CampaignIsFinal
from campaigns.forms import CampaignForm, LeadsCheckForm, LeadsForm
from campaigns.importing import Import, region_of
from campaigns.models import CampaignTemplate
from campaigns.queries import get_campaign
from campaigns.services import add_leads, create_campaign, templates
from portal.http import MemberRequest
from portal.permissions import Permission, requires

SHOWN_ROWS = 5
SHOWN_ERRORS = 8


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_new(request: MemberRequest) -> HttpResponse:
    """Create a draft; launching it is a step of its own, on its page.

    `?template=` begins with the settings of one.
    """
    usable = templates.usable_templates()
    wanted = request.GET.get("template", "")
    template = next((row for row in usable if str(row.pk) == wanted), None)
    most = request.organization.max_concurrent_calls
    form = CampaignForm(
        request.POST or None,
        request.FILES or None,
        organization=request.organization,
        initial=templates.initial_of(template, most_calls=most) if template else None,
    )
    if request.method == "POST" and form.is_valid():
        campaign = create_campaign(
            organization=request.organization,
            new=replace(form.new, more=templates.further_of(template)),
            leads=form.found.rows,
            actor=request.user,
        )
        messages.success(request, _("Saved as a draft. Launch it when you are ready."))
        step = "words" if form.found.rows else "audience"
        return redirect("campaign_setup", campaign.pk, step)
    context = {
        "form": form,
        "templates": usable,
        "template": template,
        "has_assistants": form.fields["assistant"].queryset.exists(),  # type: ignore[attr-defined]
        "has_numbers": PhoneNumber.objects.filter(is_active=True).exists(),
        **shown(form.found),
    }
    return render(
        request,
        "campaigns/campaign_form.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_template_delete(
    request: MemberRequest, campaign_template_id: UUID
) -> HttpResponse:
    """Take a template away; campaigns made from it stay."""
    template = get_object_or_404(CampaignTemplate, pk=campaign_template_id)
    templates.delete_campaign_template(template=template, actor=request.user)
    messages.success(request, _("The template was taken away."))
    return redirect("campaign_new")


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def leads_check(request: MemberRequest) -> HttpResponse:
    """What a list comes to, shown while it is being written; stores nothing."""
    form = LeadsCheckForm(request.POST, request.FILES)
    form.is_valid()
    return render(request, "campaigns/leads_check.html", shown(form.found))


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_leads_add(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Add people to a campaign that has not ended."""
    campaign = get_campaign(campaign_id)
    if campaign.is_final:
        messages.info(request, _("This campaign has ended and stays as it is."))
        return redirect("campaign_detail", campaign.pk)
    form = LeadsForm(
        request.POST or None,
        request.FILES or None,
        region=region_of(campaign.number.number),
    )
    if request.method == "POST" and form.is_valid():
        try:
            added = add_leads(
                campaign=campaign, leads=form.found.rows, actor=request.user
            )
        except CampaignIsFinal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _added(added))
        return redirect("campaign_detail", campaign.pk)
    return render(
        request,
        "campaigns/leads_form.html",
        {"form": form, "campaign": campaign, **shown(form.found)},
        status=422 if form.errors else 200,
    )


def shown(found: Import) -> dict[str, object]:
    """Return what the check of a list shows of it."""
    return {
        "found": found,
        "sample": [
            (row, [row.variables.get(name, "") for name in found.columns[:4]])
            for row in found.rows[:SHOWN_ROWS]
        ],
        "sample_columns": found.columns[:4],
        "shown_errors": found.errors[:SHOWN_ERRORS],
        "more_errors": max(0, found.error_count - SHOWN_ERRORS),
    }


def _added(count: int) -> str:
    if not count:
        return _("Everybody in this list was there already.")
    return ngettext(
        "%(count)d person was added.", "%(count)d people were added.", count
    ) % {"count": count}
