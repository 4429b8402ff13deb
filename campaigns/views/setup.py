"""The guided flow: one step after another over a draft, and the review before launch.

Each step is saved by itself, so that a person may leave and come back. A campaign that
runs can be changed in the same way; one that has ended cannot.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants.rendering import fill
from billing.errors import NotEnoughCredits
from calls.errors import CallError
from campaigns.errors import CampaignIsFinal, CampaignNotReady
from campaigns.forms import ALWAYS_KNOWN
from campaigns.models import Campaign, Lead, LeadImport
from campaigns.queries import get_campaign, visible_lists
from campaigns.reviewing import review_campaign
from campaigns.services import change_campaign, set_numbers
from campaigns.setup_forms import STEP_FORMS
from campaigns.setup_forms.step import StepForm
from campaigns.trying import TrialForm, place_test_call
from campaigns.variables import count_missing, variables_of
from portal.http import MemberRequest
from portal.permissions import Permission, requires

STEPS = (
    ("audience", gettext_lazy("1. Audience")),
    ("words", gettext_lazy("2. Assistant and words")),
    ("numbers", gettext_lazy("3. Numbers")),
    ("when", gettext_lazy("4. When")),
    ("retries", gettext_lazy("5. Retries")),
    ("limits", gettext_lazy("6. Limits")),
    ("review", gettext_lazy("7. Review")),
)
NAMES = [name for name, _label in STEPS]


def step_tabs(campaign: Campaign, current: str) -> list[dict[str, Any]]:
    """Return the steps as links."""
    return [
        {
            "label": label,
            "url": reverse("campaign_setup", args=[campaign.pk, name]),
            "is_current": name == current,
        }
        for name, label in STEPS
    ]


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_setup(
    request: MemberRequest, campaign_id: UUID, step: str
) -> HttpResponse:
    """One step of the flow; saving goes on to the next."""
    campaign = get_campaign(campaign_id)
    if campaign.is_final:
        messages.info(request, _("This campaign has ended and stays as it is."))
        return redirect("campaign_detail", campaign.pk)
    if step == "audience":
        return _audience(request, campaign)
    if step == "review":
        return _review(request, campaign, TrialForm())
    if step not in STEP_FORMS:
        raise Http404("There is no such step.")
    form = STEP_FORMS[step](request.POST or None, campaign=campaign)
    is_sent = request.method == "POST" and form.is_valid()
    if is_sent and (answer := _saved(request, campaign, form, step)) is not None:
        return answer
    context = {"form": form, **_frame(campaign, step)}
    if step == "words":
        context |= preview_context(campaign, request.POST or None)
    status = 422 if form.errors else 200
    return render(request, "campaigns/campaign_setup.html", context, status=status)


def _saved(
    request: MemberRequest, campaign: Campaign, form: StepForm, step: str
) -> HttpResponse | None:
    """Save a valid step; `None` when it is refused, which its form says."""
    try:
        change_campaign(campaign=campaign, changes=form.changes, actor=request.user)
    except CampaignIsFinal as refusal:
        messages.error(request, str(refusal))
        return redirect("campaign_detail", campaign.pk)
    except CampaignNotReady as refusal:
        form.add_error((refusal.param or "").removesuffix("_id") or None, str(refusal))
        return None
    if form.numbers is not None:
        set_numbers(get_campaign(campaign.pk), form.numbers)
    messages.success(request, _("Saved."))
    following = NAMES[NAMES.index(step) + 1]
    return redirect("campaign_setup", campaign.pk, following)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_preview(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """What the words say to a real person of the list, while they are being written."""
    campaign = get_campaign(campaign_id)
    context = preview_context(campaign, request.POST)
    return render(request, "campaigns/words_preview.html", context)


@require_POST
@requires(Permission.CAMPAIGNS_LAUNCH)
def campaign_test_call(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Call one number as the campaign would, with the words for its first person."""
    campaign = get_campaign(campaign_id)
    form = TrialForm(request.POST, campaign=campaign)
    if form.is_valid():
        try:
            call = place_test_call(
                campaign=campaign,
                destination=form.cleaned_data["phone_number"],
                actor=request.user,
            )
        except NotEnoughCredits as refusal:
            # Whose credits are gone is the agency's business, not its client's.
            text = _("Calls are not available right now. Contact support.")
            if refusal.owner != "agency":
                text = _("Not enough credits. Add credits, then try again.")
            form.add_error("phone_number", text)
        except CallError as refusal:
            form.add_error("phone_number", _(str(refusal)))
        else:
            return redirect("call_detail", call.pk)
    return _review(request, campaign, form, status=422)


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_imports(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """How far the lists of a campaign are; asked for while one is being imported."""
    campaign = get_campaign(campaign_id)
    context = {
        "campaign": campaign,
        "is_update": True,
        **_imports(campaign),
    }
    status = 200 if context["is_importing"] else 286
    return render(request, "campaigns/import_list.html", context, status=status)


def _frame(campaign: Campaign, step: str) -> dict[str, Any]:
    label = dict(STEPS)[step]
    return {
        "campaign": campaign,
        "step": step,
        "tabs": step_tabs(campaign, step),
        "step_label": label,
    }


def _imports(campaign: Campaign) -> dict[str, Any]:
    rows = list(LeadImport.objects.filter(campaign=campaign)[:10])
    is_importing = any(row.is_busy for row in rows)
    leads = Lead.objects.filter(campaign=campaign)
    return {
        "imports": rows,
        "is_importing": is_importing,
        # Counted when it stands still: this is asked for every second.
        "lead_count": 0 if is_importing else leads.count(),
        "sample": [] if is_importing else list(leads[:5]),
    }


def _audience(request: MemberRequest, campaign: Campaign) -> HttpResponse:
    context = {
        "saved_lists": list(visible_lists().filter(people_count__gt=0)[:200]),
        **_imports(campaign),
        **_frame(campaign, "audience"),
    }
    return render(request, "campaigns/audience.html", context)


def _review(
    request: MemberRequest, campaign: Campaign, form: TrialForm, status: int = 200
) -> HttpResponse:
    review = review_campaign(campaign)
    missing = count_missing(campaign)
    context = {
        "review": review,
        "test_form": form,
        "missing": [{"name": name, "people": n} for name, n in missing.items()],
        "reason_rows": [{"label": label, "value": n} for label, n in review.reasons],
        "is_draft": campaign.status == Campaign.Status.DRAFT,
        **_imports(campaign),
        **_frame(campaign, "review"),
    }
    return render(request, "campaigns/review.html", context, status=status)


def missing_variables(campaign: Campaign, template: str) -> list[str]:
    """Return the variables that calls need and the first person's row lacks."""
    lead = Lead.objects.filter(campaign=campaign).first()
    known = ALWAYS_KNOWN | set(lead.variables if lead else ())
    return sorted(variables_of(campaign, template) - known)


def preview_context(campaign: Campaign, sent: Any) -> dict[str, Any]:
    """Return the words as a real person of the list will be met with."""
    template = campaign.system_message_template
    if sent is not None:
        template = str(sent.get("system_message_template", template))
    lead = Lead.objects.filter(campaign=campaign).first()
    if lead is None:
        return {"preview": "", "preview_lead": None, "missing": [], "known": []}
    values = {**lead.variables, "name": lead.name, "phone_number": lead.phone_number}
    return {
        "preview": fill(template, values),
        "preview_lead": lead,
        "missing": missing_variables(campaign, template),
        "known": sorted(values),
    }
