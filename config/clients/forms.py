"""Forms about clients and how strangers become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.features import OF_CLIENTS, Feature
from portal.models import ClientNote, Organization, Portal


class SignUpForm(forms.Form):
    """Who asks for an account."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    company = forms.CharField(label=_("Company"), max_length=120)
    email = forms.EmailField(label=_("Email address"))
    # People do not see it; programs fill in everything.
    website = forms.CharField(required=False, widget=forms.HiddenInput)


class SetUpForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """How clients come, and what they find."""

    class Meta:
        model = Portal
        fields = ("sign_up", "is_enabled", "disabled_notice", "disabled_speech")
        labels = {"is_enabled": _("The portal is on")}
        help_texts = {
            "is_enabled": _(
                "Off, visitors read the notice, and no call starts; calls going on are finished."
            )
        }


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """What an organization may have, and what is switched off for it.

    `shown` are the features to choose from; what is off of the others stays off.
    """

    max_concurrent_calls = forms.IntegerField(
        label=_("Calls at once"), min_value=0, max_value=10_000
    )
    features = forms.MultipleChoiceField(
        label=_("Switched on"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Organization
        fields = (
            "name",
            "max_concurrent_calls",
            "max_minutes_per_month",
            "max_assistants",
            "max_numbers",
            "max_members",
            "api_rate_per_minute",
            "requires_second_factor",
        )

    def __init__(
        self, *args: Any, shown: Iterable[Feature] = OF_CLIENTS, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._shown = tuple(shown)
        choice: Any = self.fields["features"]
        choice.choices = [(one.value, one.label) for one in self._shown]
        off = set(self.instance.features_off)
        self.initial["features"] = [
            one.value for one in self._shown if one.value not in off
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        on = set(cleaned.get("features", []))
        before = self.instance.features_off
        self.instance.features_off = [
            one.value
            for one in Feature
            if (one.value not in on if one in self._shown else one.value in before)
        ]
        return cleaned

    def validate_unique(self) -> None:
        """Nothing here is unique; asking would need a scope of its own."""

    def validate_constraints(self) -> None:
        """Nor is there a constraint on these fields."""


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    class Meta:
        model = ClientNote
        fields = ("text",)
        widgets = {"text": forms.Textarea({"rows": 3})}
