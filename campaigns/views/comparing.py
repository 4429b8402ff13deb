"""Campaigns side by side, and what may honestly be said of their differences."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _, gettext_lazy, ngettext_lazy
from django.views.decorators.http import require_GET

from campaigns.comparing import (
    MOST,
    Side,
    against_first,
    chosen_goal,
    comparison_of,
    goals_of,
    sides_of,
)
from campaigns.models import Campaign
from campaigns.queries import visible_campaigns
from portal.http import MemberRequest
from portal.permissions import Permission, requires

OFFERED = 50


class CampaignChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Campaigns by name and day: a campaign that is run again has the name of the first."""

    def label_from_instance(self, obj: Campaign) -> str:
        return _("%(name)s, %(day)s") % {
            "name": obj.name,
            "day": date_format(localtime(obj.created_at), "SHORT_DATETIME_FORMAT"),
        }


class CompareForm(forms.Form):
    """Which campaigns; the first chosen is what the others are measured by."""

    c = CampaignChoices(
        label=gettext_lazy("Campaigns"),
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["c"]
        begun = visible_campaigns().exclude(status=Campaign.Status.DRAFT)
        field.queryset = begun.filter(pk__in=begun.values("pk")[:OFFERED])

    def clean_c(self) -> list[Campaign]:
        chosen = list(self.cleaned_data["c"])
        if len(chosen) > MOST:
            raise forms.ValidationError(
                ngettext_lazy(
                    "At most %(most)d campaign fits side by side.",
                    "At most %(most)d campaigns fit side by side.",
                    MOST,
                )
                % {"most": MOST}
            )
        return sorted(chosen, key=lambda campaign: (campaign.created_at, campaign.pk))


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_compare(request: MemberRequest) -> HttpResponse:
    """Up to six campaigns by one goal, drawn with the span each share likely lies in."""
    form = CompareForm(request.GET)
    chosen: list[Campaign] = form.cleaned_data["c"] if form.is_valid() else []
    context: dict[str, Any] = {
        "form": form,
        "has_campaigns": form.fields["c"].queryset.exists(),  # type: ignore[attr-defined]
        "chosen": chosen,
    }
    if chosen:
        context |= _compared(chosen, request.GET.get("goal", ""))
    status = 422 if form.errors else 200
    return render(request, "campaigns/campaign_compare.html", context, status=status)


def _compared(chosen: list[Campaign], wanted: str) -> dict[str, Any]:
    goals = goals_of(chosen)
    goal = chosen_goal(goals, wanted)
    sides = sides_of(chosen, goal)
    found = against_first(sides)
    variants = [
        (campaign, comparison, shares_of(comparison.arms))
        for campaign in chosen
        if (comparison := comparison_of(campaign, goal)) is not None
    ]
    return {
        "goal": goal,
        "goals": goals,
        "sides": sides,
        "shares": shares_of([side.arm for side in sides]),
        "findings": [
            (side, _against(sides[0], side), one)
            for side, one in zip(sides[1:], found, strict=True)
        ],
        "variants": variants,
    }


def shares_of(arms: Any) -> list[dict[str, Any]]:
    """Return the rows of `{% interval_chart %}`."""
    return [
        {
            "label": _("%(name)s (%(hits)d of %(people)d)")
            % {"name": arm.name, "hits": arm.hits, "people": arm.people},
            "percent": arm.percent,
            "low": arm.low,
            "high": arm.high,
        }
        for arm in arms
    ]


def _against(first: Side, other: Side) -> str:
    return _("%(other)s against %(first)s") % {
        "other": other.campaign.name,
        "first": first.campaign.name,
    }
