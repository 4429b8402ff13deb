"""A test call: what a person of the list would hear, to a number of one's own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from calls.models import Call
from calls.services.outbound import place_call
from campaigns.models import Campaign, Lead
from campaigns.numbers import UnusableNumber, read_number, region_of
from common.ids import uuid7
from portal.models import User


class TrialForm(forms.Form):
    """Where to call. `campaign` gives the country of a number without one."""

    phone_number = forms.CharField(
        label=_("Your own number"),
        max_length=40,
        widget=forms.TextInput({"autocomplete": "tel", "inputmode": "tel"}),
    )

    def __init__(
        self, *args: Any, campaign: Campaign | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._region = region_of(campaign.number.number) if campaign else ""

    def clean_phone_number(self) -> str:
        try:
            found = read_number(self.cleaned_data["phone_number"], self._region)
        except UnusableNumber as error:
            raise forms.ValidationError(str(error)) from error
        return found.e164


def place_test_call(
    *,
    campaign: Campaign,
    destination: str,
    actor: User | None,
    is_test: bool = False,
) -> Call:
    """Call a number as the campaign would call its first person; no lead is touched.

    With `is_test` a simulator answers and nothing is paid. Raises what `place_call`
    raises.
    """
    lead = Lead.objects.filter(campaign=campaign).first()
    overrides = {}
    if campaign.system_message_template:
        overrides["instructions"] = campaign.system_message_template
    return place_call(
        organization=campaign.organization,
        assistant=campaign.assistant,
        number=campaign.number,
        destination=destination,
        call_id=uuid7(),
        actor=actor,
        variables={
            **(lead.variables if lead else {}),
            "name": lead.name if lead else "",
            "phone_number": destination,
        },
        overrides=overrides,
        metadata={"campaign_id": str(campaign.pk), "is_test_call": True},
        is_test=is_test,
    )
