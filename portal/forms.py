"""Forms about people, keys and clients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.models import Membership, Role
from portal.services.memberships import rank_of
from portal.visibility import choices_of


class MemberForm(forms.Form):
    """Whom to invite, as what."""

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
        return _allowed(self.cleaned_data["role"], self._giver)


def _allowed(text: str, giver: Membership | None) -> Role:
    role = Role(text)
    if giver is None or rank_of(role) > rank_of(giver.role):
        raise forms.ValidationError(_("You cannot give a role above your own."))
    return role


class ProfileForm(forms.Form):
    """What a person is called."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        help_text=_("Colleagues see it in the team, in invitations and in the log."),
        widget=forms.TextInput({"autocomplete": "name"}),
    )


class RoleForm(forms.Form):
    """Somebody's role, and the assistants and campaigns they are kept to."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    sees_all_assistants = forms.BooleanField(
        label=_("Sees every assistant and its calls"), required=False
    )
    assistants = forms.MultipleChoiceField(
        label=_("Otherwise only"), required=False, widget=forms.CheckboxSelectMultiple
    )
    sees_all_campaigns = forms.BooleanField(
        label=_("Sees every campaign"), required=False
    )
    campaigns = forms.MultipleChoiceField(
        label=_("Otherwise only"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        member: Membership,
        giver: Membership | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._giver = giver
        self.initial = {
            "role": member.role,
            "sees_all_assistants": member.assistant_ids is None,
            "assistants": member.assistant_ids or [],
            "sees_all_campaigns": member.campaign_ids is None,
            "campaigns": member.campaign_ids or [],
        }
        for name in ("assistants", "campaigns"):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = choices_of(name)

    def clean_role(self) -> Role:
        return _allowed(self.cleaned_data["role"], self._giver)

    def choices(self) -> dict[str, Any]:
        """Return what `change_member` takes."""
        values = self.cleaned_data
        return {
            "role": values["role"],
            "assistant_ids": None
            if values["sees_all_assistants"]
            else values["assistants"],
            "campaign_ids": None
            if values["sees_all_campaigns"]
            else values["campaigns"],
        }


class ClientForm(forms.Form):
    """A new client of the agency and its first owner."""

    name = forms.CharField(label=_("Client’s name"), max_length=120)
    owner_email = forms.EmailField(label=_("Owner’s email address"))
