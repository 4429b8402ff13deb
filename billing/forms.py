"""Forms of the billing pages."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.queries import Period
from common.money import parse_credits

_LARGEST = 10**9  # credits; a slip of the keyboard, not a limit of the ledger


class StatementFilterForm(forms.Form):
    """Which lines of the statement to show."""

    kind = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[
            ("", _("Everything")),
            ("call", _("Calls")),
            ("grant", _("Credits added")),
        ],
    )
    first_day = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    last_day = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput({"type": "date"})
    )

    def chosen(self) -> dict[str, Any]:
        """Return kind and period; what does not make sense narrows nothing."""
        self.is_valid()
        data = self.cleaned_data if self.is_bound else {}
        period = Period(data.get("first_day"), data.get("last_day"))
        return {"kind": data.get("kind", ""), "period": period}


class GrantForm(forms.Form):
    """How many credits to give a client, and why.

    The key was made with the page: sending the form twice grants once.
    """

    amount = forms.CharField(
        label=_("Credits"),
        max_length=20,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    memo = forms.CharField(
        label=_("Note"),
        max_length=200,
        required=False,
        help_text=_("Shown on the client’s statement."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean_amount(self) -> int:
        """Return microcredits."""
        try:
            microcredits = parse_credits(self.cleaned_data["amount"].replace(",", "."))
        except ValueError as error:
            raise forms.ValidationError(
                _("Enter a number of credits, such as 250 or 12.5.")
            ) from error
        if not 0 < microcredits <= _LARGEST * 1_000_000:
            raise forms.ValidationError(
                _("Enter more than nothing and at most a thousand million credits.")
            )
        return microcredits
