"""The step about the numbers that people see."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.models import PhoneNumber
from campaigns.models import Campaign
from campaigns.setup_forms.step import StepForm


class NumbersForm(StepForm):
    """Which numbers people see."""

    number: forms.ModelChoiceField[PhoneNumber] = forms.ModelChoiceField(
        label=_("Calls come from"), queryset=None, empty_label=None
    )
    further: forms.ModelMultipleChoiceField[PhoneNumber] = (
        forms.ModelMultipleChoiceField(
            label=_("Further numbers that take turns"),
            queryset=None,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("The number that has called least today is next."),
        )
    )
    has_local_presence = forms.BooleanField(
        label=_("Prefer the number nearest to the person's own"), required=False
    )
    number_daily_cap = forms.IntegerField(
        label=_("Calls from one number within 24 hours"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=_("Empty: as many as needed. Fresh numbers are best used sparingly."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("number", "further"):
            field: Any = self.fields[name]
            field.queryset = PhoneNumber.objects.filter(is_active=True)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        further = campaign.further_numbers.values_list("number", flat=True)
        return {
            "number": campaign.number_id,
            "further": list(further),
            "has_local_presence": campaign.has_local_presence,
            "number_daily_cap": campaign.number_daily_cap,
        }

    @property
    def changes(self) -> dict[str, Any]:
        names = ("number", "has_local_presence", "number_daily_cap")
        return {name: self.cleaned_data[name] for name in names}

    @property
    def numbers(self) -> list[PhoneNumber] | None:
        return list(self.cleaned_data["further"])
