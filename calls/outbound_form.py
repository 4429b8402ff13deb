"""The form of one call to a number."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import PhoneNumber
from calls.queries import visible_numbers
from calls.trunk_rules import region_of
from common.phone import InvalidNumber, parse_number


class OutboundForm(forms.Form):
    """Whom to call, who calls, and what they see."""

    destination = forms.CharField(
        label=_("Number to call"),
        max_length=40,
        widget=forms.TextInput({"type": "tel", "autocomplete": "off"}),
        help_text=_("With its country code, or as at home where you call from."),
    )
    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Assistant"), queryset=None, empty_label=None
    )
    number: forms.ModelChoiceField[PhoneNumber] = forms.ModelChoiceField(
        label=_("Call from"),
        queryset=None,
        required=False,
        empty_label=_("The simulator: no real call"),
    )
    first_message = forms.CharField(
        label=_("First message"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("For this call only; empty: the assistant's own."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assistants = visible_assistants().filter(is_active=True)
        numbers = visible_numbers().filter(is_active=True)
        self.fields["assistant"].queryset = assistants  # type: ignore[attr-defined]
        self.fields["number"].queryset = numbers  # type: ignore[attr-defined]
        if (first := numbers.first()) is not None:
            self.initial.setdefault("number", first.pk)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "destination" not in cleaned:
            return cleaned
        own = cleaned.get("number")
        region = region_of(own.number) if own else None
        try:
            cleaned["destination"] = parse_number(cleaned["destination"], region=region)
        except InvalidNumber as error:
            self.add_error("destination", str(error))
        return cleaned
