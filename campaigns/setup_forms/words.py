"""The step about who talks, and what they are told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.models import Assistant
from assistants.queries import visible_assistants
from campaigns.setup_forms.step import StepForm


class WordsForm(StepForm):
    """Who talks, and what they are told for these calls."""

    assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Assistant"), queryset=None, empty_label=None
    )
    system_message_template = forms.CharField(
        label=_("Instructions for these calls"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea({"rows": 10}),
        help_text=_(
            "Empty: the assistant's own instructions. {{name}} and every column of the "
            "list are replaced for each person."
        ),
    )
    variant_assistant: forms.ModelChoiceField[Assistant] = forms.ModelChoiceField(
        label=_("Compare with another assistant"),
        queryset=None,
        required=False,
        empty_label=_("No comparison"),
    )
    variant_percent = forms.IntegerField(
        label=_("Share of people who get the other one"),
        min_value=0,
        max_value=90,
        initial=0,
        help_text=_("Chosen by chance for each person at their first call."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        other = cleaned.get("variant_assistant")
        if other is not None and other == cleaned.get("assistant"):
            self.add_error(
                "variant_assistant",
                _("Choose another assistant than the one above."),
            )
        if other is not None and cleaned.get("variant_percent") == 0:
            self.add_error(
                "variant_percent", _("Say how many of a hundred get the other one.")
            )
        return cleaned

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("assistant", "variant_assistant"):
            field: Any = self.fields[name]
            field.queryset = visible_assistants().filter(is_active=True)
