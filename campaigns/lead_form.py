"""The form of one person of a campaign: what the next call knows of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.columns import MAX_NAME_LENGTH, MAX_PROOF_LENGTH, MAX_VALUE_LENGTH
from campaigns.locality import ZoneSource, known_zones
from campaigns.models import Lead


class LeadForm(forms.Form):
    """Name, place and consent, and a field for each variable the person has."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_LENGTH, required=False, strip=True
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    consent_basis = forms.ChoiceField(
        label=_("Consent"),
        required=False,
        choices=[("", _("None on record")), *Lead.ConsentBasis.choices],
    )
    consent_proof = forms.CharField(
        label=_("Proof of consent"),
        max_length=MAX_PROOF_LENGTH,
        required=False,
        help_text=_("Such as where and when it was given."),
    )

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        self._given = _given(lead)
        self._names = list(lead.variables)
        kwargs["initial"] = {
            "name": lead.name,
            "time_zone": self._given,
            "consent_basis": lead.consent_basis,
            "consent_proof": lead.consent_proof,
        }
        super().__init__(*args, **kwargs)
        zones: Any = self.fields["time_zone"]
        zones.choices = [
            ("", _("As the number says")),
            *((zone, zone) for zone in sorted(known_zones())),
        ]
        for index, name in enumerate(self._names):
            self.fields[f"variable_{index}"] = forms.CharField(
                label=name,
                max_length=MAX_VALUE_LENGTH,
                required=False,
                initial=lead.variables[name],
            )

    @property
    def own_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.base_fields]

    @property
    def variable_fields(self) -> list[forms.BoundField]:
        return [self[f"variable_{index}"] for index in range(len(self._names))]

    @property
    def changes(self) -> dict[str, Any]:
        found = self.cleaned_data
        return {
            "name": found["name"],
            "consent_basis": found["consent_basis"],
            "consent_proof": found["consent_proof"],
            "variables": {
                name: found[f"variable_{index}"]
                for index, name in enumerate(self._names)
            },
        }

    @property
    def zone(self) -> str | None:
        """The zone that was chosen, or `None` where it stays as it is."""
        chosen: str = self.cleaned_data["time_zone"]
        return chosen if chosen != self._given else None


def _given(lead: Lead) -> str:
    place = lead.locality.value if lead.locality else None
    is_given = place is not None and place.source == ZoneSource.GIVEN
    return place.zones[0] if place is not None and is_given and place.zones else ""
