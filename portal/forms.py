"""Forms about people, keys and clients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.models import Membership, Role

_RANK = [Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER]


class MemberForm(forms.Form):
    """Whom to add, as what."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("Email address"))
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, initial=Role.OPERATOR
    )

    def __init__(
        self, *args: Any, giver: Membership | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._giver = giver

    def clean_role(self) -> Role:
        """Nobody gives a role above their own."""
        role = Role(self.cleaned_data["role"])
        if self._giver and _RANK.index(role) > _RANK.index(Role(self._giver.role)):
            raise forms.ValidationError(_("You cannot give a role above your own."))
        return role


class ClientForm(forms.Form):
    """A new client of the agency and its first owner."""

    name = forms.CharField(label=_("Client’s name"), max_length=120)
    owner_name = forms.CharField(label=_("Owner’s name"), max_length=120)
    owner_email = forms.EmailField(label=_("Owner’s email address"))
