"""Filters of the call list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from calls.models import Call

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
