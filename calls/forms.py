"""Filters of the call list, and the forms of numbers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import Call, PhoneNumber, Trunk
from calls.queries import visible_trunks
from calls.session.events import EndReason
from common.phone import InvalidNumber, parse_number
from portal.statuses import status_look

STATUS_CHOICES = [
    ("", _("Any status")),
    ("live", _("Going on now")),
    (Call.Status.ENDED, _("Ended")),
    (Call.Status.ENDED_WITH_ERROR, _("Ended with an error")),
    (Call.Status.FAILED, _("Failed")),
    (Call.Status.REJECTED, _("Rejected")),
    (Call.Status.TRANSFERRED, _("Transferred")),
    (Call.Status.INSUFFICIENT_CREDITS, _("Out of credits")),
]
# Where numbers may be written as at home; any other needs its country code.
COUNTRIES = {
    "NL": _("Netherlands"),
    "BE": _("Belgium"),
    "DE": _("Germany"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "IE": _("Ireland"),
    "LU": _("Luxembourg"),
    "AT": _("Austria"),
    "CH": _("Switzerland"),
    "ES": _("Spain"),
    "PT": _("Portugal"),
    "IT": _("Italy"),
    "DK": _("Denmark"),
    "SE": _("Sweden"),
    "NO": _("Norway"),
    "FI": _("Finland"),
    "PL": _("Poland"),
    "CZ": _("Czechia"),
    "US": _("United States"),
    "CA": _("Canada"),
    "AU": _("Australia"),
}
DIRECTION_CHOICES = [("", _("Any direction")), *Call.Direction.choices]


class CallFilterForm(forms.Form):
    """What to narrow the list to; nothing is required."""

    status = forms.ChoiceField(
        label=_("Status"), choices=STATUS_CHOICES, required=False
    )
    direction = forms.ChoiceField(
        label=_("Direction"), choices=DIRECTION_CHOICES, required=False
    )
    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Assistant"),
        queryset=None,
        required=False,
        empty_label=_("Any assistant"),
    )
    number = forms.CharField(label=_("Number"), max_length=16, required=False)
    end_reason = forms.ChoiceField(
        label=_("Ended because"),
        choices=[
            ("", _("Any reason")),
            *((str(reason), status_look(reason).label) for reason in EndReason),
        ],
        required=False,
    )
    first_day = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"})
    )
    last_day = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput({"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assistant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Assistant.objects.all()

    def chosen(self) -> dict[str, Any]:
        """Return the valid filters as `calls.queries.filter_calls` takes them."""
        self.is_valid()
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if value not in ("", None)
        }
        if (assistant := values.pop("assistant", None)) is not None:
            values["assistant_id"] = assistant.pk
        return values


class _RouteForm(forms.Form):
    """Which assistant answers a number, and how calls come in."""

    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Answered by"),
        queryset=None,
        required=False,
        empty_label=_("Nobody"),
    )

    trunk: forms.ModelChoiceField[Trunk] = forms.ModelChoiceField(
        label=_("Calls come in by"),
        queryset=None,
        required=False,
        empty_label=_("The simulator: no real calls"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assistant"].queryset = visible_assistants()  # type: ignore[attr-defined]
        for name in ("trunk", "transfer_trunk"):
            if name in self.fields:
                self.fields[name].queryset = visible_trunks()  # type: ignore[attr-defined]


class NumberForm(_RouteForm):
    """A number to register; `country` reads one that is written as at home."""

    number = forms.CharField(
        label=_("Number"),
        max_length=40,
        widget=forms.TextInput({"type": "tel", "autocomplete": "off"}),
        help_text=_("With its country code, such as +31 20 123 4567, or as at home."),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        choices=[("", _("From the number")), *COUNTRIES.items()],
        required=False,
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        required=False,
        help_text=_("Only you and your team see it."),
    )

    field_order = ("number", "country", "name", "assistant", "trunk")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        region = cleaned.pop("country", "") or None
        if "number" not in cleaned:
            return cleaned
        try:
            cleaned["number"] = parse_number(cleaned["number"], region=region)
        except InvalidNumber:
            self.add_error(
                "number",
                _(
                    "Write the number with its country code, such as +31201234567, "
                    "or choose its country."
                ),
            )
        return cleaned


class NumberEditForm(_RouteForm):
    """Everything of a number but the number itself."""

    name = forms.CharField(label=_("Name"), max_length=80, required=False)
    transfer_trunk: forms.ModelChoiceField[Trunk] = forms.ModelChoiceField(
        label=_("Transferred callers leave by"),
        queryset=None,
        required=False,
        empty_label=_("The same trunk"),
    )
    busy_message = forms.CharField(
        label=_("When every line is in use"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )
    closed_message = forms.CharField(
        label=_("When nobody answers this number"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("It is switched off, or its assistant is."),
    )
    suspended_message = forms.CharField(
        label=_("When calls are suspended or not paid for"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )
    is_active = forms.BooleanField(label=_("In use"), required=False)

    field_order = ("name", "assistant", "trunk", "transfer_trunk")

    def __init__(self, *args: Any, number: PhoneNumber, **kwargs: Any) -> None:
        kwargs["initial"] = {
            name: getattr(number, name) for name in type(self).base_fields
        }
        super().__init__(*args, **kwargs)
