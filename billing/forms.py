"""Forms of the billing pages."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.queries import Period
from common.local_numbers import typed_decimal
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
            ("other", _("Expired and taken back")),
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

    GIVE, MOVE = "give", "move"

    amount = forms.CharField(
        label=_("Credits"),
        max_length=20,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    memo = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Shown on the client’s statement."),
    )
    way = forms.ChoiceField(
        label=_("From"),
        required=False,
        choices=[
            (GIVE, _("A promise of yours: your pool pays as the client calls")),
            (
                MOVE,
                _("Your pool: it loses the credits now, and pays for calls as well"),
            ),
        ],
        widget=forms.RadioSelect,
        initial=GIVE,
    )
    expires_on = forms.DateField(
        label=_("Good until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Left empty, these credits do not expire."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean_amount(self) -> int:
        """Return microcredits."""
        return credits_in(self.cleaned_data["amount"])

    def expires_at(self, time_zone: str) -> datetime | None:
        """Return the end of the last day, where the client is."""
        day: date | None = self.cleaned_data["expires_on"]
        if day is None:
            return None
        return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))


class GrantRuleForm(forms.Form):
    """Above how many credits two owners must agree."""

    limit = forms.CharField(
        label=_("Credits one person gives alone, at most"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("Left empty, one person is enough for any sum."),
    )

    def clean_limit(self) -> int:
        """Return microcredits; nothing is no limit."""
        text = self.cleaned_data["limit"]
        return credits_in(text) if text else 0


def credits_in(text: str, *, may_be_nothing: bool = False) -> int:
    """Return microcredits, or say what to enter."""
    try:
        microcredits = parse_credits(typed_decimal(text))
    except ValueError as error:
        raise forms.ValidationError(
            _("Enter a number of credits, such as 250 or 12.5.")
        ) from error
    if not (0 if may_be_nothing else 1) <= microcredits <= _LARGEST * 1_000_000:
        raise forms.ValidationError(
            _("Enter more than nothing and at most a thousand million credits.")
        )
    return microcredits
