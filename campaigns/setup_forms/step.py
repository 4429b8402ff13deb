"""What every step of the set-up has in common."""

from __future__ import annotations

from typing import Any

from django import forms

from calls.models import PhoneNumber
from campaigns.models import Campaign


class StepForm(forms.Form):
    """A form whose `changes` are fields of the campaign."""

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        self.campaign = campaign
        kwargs["initial"] = self.values_of(campaign)
        super().__init__(*args, **kwargs)

    def values_of(self, campaign: Campaign) -> dict[str, Any]:
        return {name: getattr(campaign, name) for name in self.base_fields}

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.base_fields}

    @property
    def numbers(self) -> list[PhoneNumber] | None:
        """The further numbers of the pool, where the step asks for them."""
        return None
