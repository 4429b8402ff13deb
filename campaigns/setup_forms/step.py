"""What every step of the set-up has in common."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from calls.models import PhoneNumber
from campaigns.models import Campaign


class StepForm(forms.Form):
    """A form whose `changes` are fields of the campaign.

    It goes with a `stamp` of what it showed: what somebody else saved meanwhile, or the
    same person in another tab, is not written over unseen.
    """

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        self.campaign = campaign
        kwargs["initial"] = self.values_of(campaign)
        self.stamp = _stamp_of(kwargs["initial"])
        super().__init__(*args, **kwargs)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        return {name: getattr(campaign, name) for name in self.base_fields}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.data.get("stamp", self.stamp) != self.stamp:
            raise forms.ValidationError(
                _(
                    "This step was changed meanwhile, by somebody else or in another "
                    "tab. Save again to have it as it is shown here."
                )
            )
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.base_fields}

    @property
    def numbers(self) -> list[PhoneNumber] | None:
        """The further numbers of the pool, where the step asks for them."""
        return None


def _stamp_of(values: dict[str, Any]) -> str:
    shown = [(name, str(getattr(v, "pk", v))) for name, v in sorted(values.items())]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
