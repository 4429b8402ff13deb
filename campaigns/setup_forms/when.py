"""The step about hours and days."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.setup_forms.step import StepForm
from campaigns.week_fields import add_day_fields, day_values, read_week
from common.windows import WEEKDAYS


class WhenForm(StepForm):
    """Hours by weekday at the person's own place, and days without calls."""

    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    ends_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput({"type": "date"})
    )
    is_closed_on_holidays = forms.BooleanField(
        label=_("Not on public holidays of the person's country"), required=False
    )
    days_off = forms.CharField(
        label=_("Other days off"),
        required=False,
        max_length=4_000,
        help_text=_("Such as 2026-12-24, 2026-12-31."),
    )
    unknown_zone = forms.ChoiceField(
        label=_("Where the time zone is not known"),
        choices=Campaign.UnknownZone.choices,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_day_fields(self)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        return {
            **day_values(campaign.week),
            "starts_on": campaign.starts_on,
            "ends_on": campaign.ends_on,
            "is_closed_on_holidays": campaign.is_closed_on_holidays,
            "days_off": ", ".join(campaign.days_off),
            "unknown_zone": campaign.unknown_zone,
        }

    @property
    def day_fields(self) -> list[Any]:
        return [self[name] for name in WEEKDAYS]

    def clean_days_off(self) -> list[str]:
        words = str(self.cleaned_data["days_off"]).replace(";", ",").split(",")
        days = forms.DateField(input_formats=["%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y"])
        found = {days.clean(word.strip()) for word in words if word.strip()}
        return sorted(day.isoformat() for day in found)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        week = read_week(self, cleaned)
        start, end = cleaned.get("starts_on"), cleaned.get("ends_on")
        if start and end and end < start:
            self.add_error("ends_on", _("It ends before it starts."))
        cleaned["week"] = week
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        names = ("starts_on", "ends_on", "is_closed_on_holidays", "days_off")
        return {
            "hours": self.cleaned_data["week"].as_json(),
            "unknown_zone": self.cleaned_data["unknown_zone"],
            **{name: self.cleaned_data[name] for name in names},
        }
