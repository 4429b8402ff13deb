"""Filters of the call list, and the forms of numbers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import Call
from common.phone import InvalidNumber, parse_number

STATUS_CHOICES = [
    ("", _("Any status")),
    ("live", _("Going on now")),
    (Call.Status.ENDED, _("Ended")),
    (Call.Status.ENDED_WITH_ERROR, _("Ended with an error")),
    (Call.Status.FAILED, _("Failed")),
    (Call.Status.REJECTED, _("Rejected")),
    (Call.Status.TRANSFERRED, _("Transferred")),
]
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


class NumberAssistantForm(forms.Form):
    """Which assistant answers a number."""

    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Answered by"),
        queryset=None,
        required=False,
        empty_label=_("Nobody"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assistant"].queryset = visible_assistants()  # type: ignore[attr-defined]


class NumberForm(NumberAssistantForm):
    """A number to register."""

    number = forms.CharField(
        label=_("Number"),
        max_length=40,
        widget=forms.TextInput({"type": "tel", "autocomplete": "off"}),
        help_text=_("With its country code, such as +31 20 123 4567."),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        required=False,
        help_text=_("Only you and your team see it."),
    )

    field_order = ("number", "name", "assistant")

    def clean_number(self) -> str:
        try:
            return parse_number(self.cleaned_data["number"])
        except InvalidNumber as error:
            raise forms.ValidationError(
                _("Write the number with its country code, such as +31201234567.")
            ) from error
