"""What comes out of a campaign: a report as a file, and the next campaign."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from campaigns.errors import CampaignError
from campaigns.models import Campaign
from campaigns.outcomes import Outcome
from campaigns.queries import get_campaign
from campaigns.reporting import report_file
from campaigns.services import (
    Wanted,
    copy_campaign,
    dispositions_of,
    save_campaign_as_list,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.statuses import status_look


class FollowUpForm(forms.Form):
    """Whom of a campaign: nothing chosen is everybody."""

    outcomes = forms.MultipleChoiceField(
        label=gettext_lazy("People whose last outcome was"),
        required=False,
        choices=[(str(outcome), status_look(outcome).label) for outcome in Outcome],
        widget=forms.CheckboxSelectMultiple,
    )
    dispositions = forms.MultipleChoiceField(
        label=gettext_lazy("Or whose result was"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the list"), max_length=120, required=False
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: Any = self.fields["dispositions"]
        known.choices = [(name, name) for name in dispositions_of(campaign)]

    @property
    def wanted(self) -> Wanted:
        """Whom a valid form asks for."""
        return Wanted(
            tuple(self.cleaned_data["outcomes"]),
            tuple(self.cleaned_data["dispositions"]),
        )


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_report(
    request: MemberRequest, campaign_id: UUID, kind: str
) -> HttpResponseBase:
    """Every lead with its outcome, as CSV or Excel."""
    return report_file(get_campaign(campaign_id), kind)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_copy(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Make a draft like this campaign, with all of its people or some."""
    campaign = get_campaign(campaign_id)
    form = FollowUpForm(request.POST, campaign=campaign)
    if not form.is_valid():
        return _not_understood(request, campaign)
    try:
        made = copy_campaign(campaign=campaign, actor=request.user, wanted=form.wanted)
    except CampaignError as refusal:
        messages.error(request, str(refusal))
        return redirect("campaign_detail", campaign.pk)
    messages.success(request, _("A draft was made. Look it over, then launch it."))
    return redirect("campaign_setup", made.pk, "review")


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_save_list(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Keep all people of this campaign, or some, as a list for later campaigns."""
    campaign = get_campaign(campaign_id)
    form = FollowUpForm(request.POST, campaign=campaign)
    if not form.is_valid():
        return _not_understood(request, campaign)
    try:
        made = save_campaign_as_list(
            campaign=campaign,
            name=form.cleaned_data["name"] or campaign.name,
            actor=request.user,
            wanted=form.wanted,
        )
    except CampaignError as refusal:
        messages.error(request, str(refusal))
        return redirect("campaign_detail", campaign.pk)
    messages.success(
        request,
        ngettext(
            "Saved a list of %(count)d person.",
            "Saved a list of %(count)d people.",
            made.people_count,
        )
        % {"count": made.people_count},
    )
    return redirect("saved_list_detail", made.pk)


def _not_understood(request: MemberRequest, campaign: Campaign) -> HttpResponse:
    """Nothing is made of choices that are none: everybody would be called instead."""
    messages.error(request, _("One of these choices is not there any more."))
    return redirect("campaign_detail", campaign.pk)
