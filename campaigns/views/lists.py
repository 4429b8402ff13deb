"""Saved lists: seen, made, added to, put into a campaign, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calls.models import PhoneNumber
from campaigns.errors import CampaignError
from campaigns.forms import LeadsForm
from campaigns.models import Campaign, SavedPerson
from campaigns.numbers import region_of
from campaigns.queries import get_campaign, get_list, visible_campaigns, visible_lists
from campaigns.services import (
    add_list_to_campaign,
    add_to_list,
    delete_list,
    make_list,
)
from campaigns.views.making import shown
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 50


class NewListForm(LeadsForm):
    """A name, and people pasted or as a file."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    field_order = ("name", "leads", "file", "leave_out")


class UseListForm(forms.Form):
    """The campaign that people of a list go into."""

    campaign: forms.ModelChoiceField[Campaign] = forms.ModelChoiceField(
        label=gettext_lazy("Put them into"), queryset=None, empty_label=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["campaign"]
        field.queryset = visible_campaigns().exclude(status__in=Campaign.FINAL)


def own_region() -> str:
    """Return the country of numbers without one: that of the first own number."""
    number = PhoneNumber.objects.first()
    return region_of(number.number) if number else ""


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def saved_list_list(request: MemberRequest) -> HttpResponse:
    """Every saved list, newest first."""
    page = Paginator(visible_lists(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "campaigns/saved_list_list.html", {"page": page})


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def saved_list_new(request: MemberRequest) -> HttpResponse:
    """Make a list of people that are pasted or come as a file."""
    form = NewListForm(request.POST or None, request.FILES or None, region=own_region())
    if request.method == "POST" and form.is_valid():
        try:
            made = make_list(
                organization=request.organization,
                name=form.cleaned_data["name"],
                people=form.found.rows,
                actor=request.user,
            )
        except CampaignError as refusal:
            form.add_error("name", str(refusal))
        else:
            messages.success(request, _("Saved. Any campaign can use this list."))
            return redirect("saved_list_detail", made.pk)
    context = {"form": form, **shown(form.found)}
    status = 422 if form.errors else 200
    return render(request, "campaigns/saved_list_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def saved_list_add(request: MemberRequest, list_id: UUID) -> HttpResponse:
    """Add people to a list."""
    saved_list = get_list(list_id)
    form = LeadsForm(request.POST or None, request.FILES or None, region=own_region())
    if request.method == "POST" and form.is_valid():
        added = add_to_list(
            saved_list=saved_list, people=form.found.rows, actor=request.user
        )
        messages.success(request, _added(added))
        return redirect("saved_list_detail", saved_list.pk)
    context = {"form": form, "saved_list": saved_list, **shown(form.found)}
    status = 422 if form.errors else 200
    return render(request, "campaigns/saved_list_form.html", context, status=status)


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def saved_list_detail(request: MemberRequest, list_id: UUID) -> HttpResponse:
    """The people of a list, and the campaigns it can go into."""
    saved_list = get_list(list_id)
    people = SavedPerson.objects.filter(saved_list=saved_list)
    use = UseListForm()
    context = {
        "saved_list": saved_list,
        "page": Paginator(people, PAGE_SIZE).get_page(request.GET.get("page")),
        "use": use,
        "has_campaigns": use.fields["campaign"].queryset.exists(),  # type: ignore[attr-defined]
    }
    return render(request, "campaigns/saved_list_detail.html", context)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def saved_list_use(request: MemberRequest, list_id: UUID) -> HttpResponse:
    """Put everybody of a list into a campaign chosen on the list's page."""
    saved_list = get_list(list_id)
    form = UseListForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a campaign that has not ended."))
        return redirect("saved_list_detail", saved_list.pk)
    campaign = get_campaign(form.cleaned_data["campaign"].pk)
    return _use(request, campaign, list_id)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_use_list(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Put everybody of a list, chosen in the set-up, into a campaign."""
    campaign = get_campaign(campaign_id)
    chosen = visible_lists().filter(pk__in=_ids(request.POST.get("saved_list"))).first()
    if chosen is None:
        messages.error(request, _("Choose one of your saved lists."))
        return redirect("campaign_setup", campaign.pk, "audience")
    return _use(request, campaign, chosen.pk)


def _ids(text: str | None) -> list[UUID]:
    try:
        return [UUID(text or "")]
    except ValueError:
        return []


def _use(request: MemberRequest, campaign: Campaign, list_id: UUID) -> HttpResponse:
    try:
        added = add_list_to_campaign(
            saved_list=get_list(list_id), campaign=campaign, actor=request.user
        )
    except CampaignError as refusal:
        messages.error(request, str(refusal))
        return redirect("campaign_detail", campaign.pk)
    messages.success(request, _added(added))
    return redirect("campaign_setup", campaign.pk, "audience")


def _added(count: int) -> str:
    if not count:
        return _("Everybody in this list was there already.")
    return ngettext(
        "%(count)d person was added.", "%(count)d people were added.", count
    ) % {"count": count}


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def saved_list_delete(request: MemberRequest, list_id: UUID) -> HttpResponse:
    """Delete a list; campaigns that used it keep their people."""
    delete_list(saved_list=get_list(list_id), actor=request.user)
    messages.success(request, _("Deleted. Campaigns keep the people they have."))
    return redirect("saved_list_list")
