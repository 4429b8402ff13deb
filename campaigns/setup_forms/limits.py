"""The step about pace, money and consent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.setup_forms.step import StepForm
from common.money import MICROCREDITS_PER_CREDIT


class LimitsForm(StepForm):
    """How fast, for how much, and on what ground."""

    max_concurrent_calls = forms.IntegerField(label=_("Calls at once"), min_value=1)
    weight = forms.IntegerField(
        label=_("Weight against other campaigns"),
        min_value=1,
        max_value=100,
        help_text=_(
            "With twice the weight it gets twice the lines when they are scarce."
        ),
    )
    budget_credits = forms.DecimalField(
        label=_("Budget in credits"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=15,
        decimal_places=2,
        help_text=_("It pauses when they are spent. Empty: no limit."),
    )
    consent_rule = forms.ChoiceField(
        label=_("Consent to be called by an automatic voice"),
        choices=Campaign.ConsentRule.choices,
        widget=forms.RadioSelect,
    )
    consent_note = forms.CharField(
        label=_("How and when they agreed"),
        required=False,
        max_length=300,
        help_text=_("Kept with the record of every call."),
    )
    opt_out_digit = forms.CharField(
        label=_("Key that ends all calls to a person"),
        required=False,
        max_length=1,
        help_text=_("Have your assistant tell of it. Saying so always works."),
    )

    money: ClassVar[str] = "budget_credits"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = self.campaign.organization.max_concurrent_calls
        field: Any = self.fields["max_concurrent_calls"]
        field.widget.attrs["max"] = limit
        self._limit = limit

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        names = [name for name in self.base_fields if name != self.money]
        budget = campaign.budget_microcredits
        values = {name: getattr(campaign, name) for name in names}
        values[self.money] = (
            None if budget is None else Decimal(budget) / MICROCREDITS_PER_CREDIT
        )
        return values

    def clean_max_concurrent_calls(self) -> int:
        wanted: int = self.cleaned_data["max_concurrent_calls"]
        if wanted > self._limit:
            raise forms.ValidationError(
                _("Your organization may have %(limit)d calls at once.")
                % {"limit": self._limit}
            )
        return wanted

    def clean_opt_out_digit(self) -> str:
        digit: str = self.cleaned_data["opt_out_digit"]
        if digit and digit not in "0123456789*#":
            raise forms.ValidationError(_("A key is 0 to 9, * or #."))
        return digit

    @property
    def changes(self) -> dict[str, Any]:
        budget = self.cleaned_data[self.money]
        names = [name for name in self.base_fields if name != self.money]
        changes = {name: self.cleaned_data[name] for name in names}
        changes["budget_microcredits"] = (
            None if budget is None else int(budget * MICROCREDITS_PER_CREDIT)
        )
        return changes
