"""The form of a widget."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.models import Widget
from calls.sites import BadSite, parse_sites


class WidgetForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """What a visitor sees, where, and how much it may start."""

    sites = forms.CharField(
        label=_("Sites"),
        required=False,
        widget=forms.Textarea(
            {"rows": 3, "placeholder": "https://www.example.com", "spellcheck": "false"}
        ),
        help_text=_(
            "Where the button may appear, one a line. Browsers refuse to show it "
            "anywhere else. *.example.com stands for every name below it."
        ),
    )

    class Meta:
        model = Widget
        fields = ["title", "note", "is_active", "max_live_calls", "max_calls_per_day"]
        labels = {
            "title": _("Text of the button"),
            "note": _("What it says once opened"),
            "is_active": _("Visitors can call"),
            "max_live_calls": _("Calls at once"),
            "max_calls_per_day": _("Calls in 24 hours"),
        }
        help_texts = {
            "note": _("For example what the assistant can help with."),
            "max_calls_per_day": _(
                "Strangers spend your credits here: this is the most they can start."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("max_live_calls", "max_calls_per_day"):
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label,
                help_text=self.fields[name].help_text,
                min_value=1,
                max_value=Widget.MOST_CALLS,
            )
        if self.instance.sites:
            self.initial["sites"] = "\n".join(self.instance.sites)

    def clean_sites(self) -> list[str]:
        try:
            return parse_sites(self.cleaned_data["sites"].splitlines())
        except BadSite as error:
            raise forms.ValidationError(str(error)) from error
