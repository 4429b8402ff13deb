"""Forms about keys of the API."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.origins import read_origin
from portal.api_scopes import READ, RESOURCES, WRITE, allowed
from portal.models import APIKey
from portal.models.portal import key_prefix_validator
from portal.permissions import Permission

MAX_NETWORKS: Final = 20
_ENDS: Final = (
    ("", _("Never")),
    ("30", _("In 30 days")),
    ("90", _("In 90 days")),
    ("365", _("In a year")),
)
_LABELS: Final = {
    "api_keys": _("API keys"),
    "assistants": _("Assistants and numbers"),
    "billing": _("Credits and statements"),
    "brand": _("Portal and brand"),
    "calls": _("Calls"),
    "campaigns": _("Campaigns"),
    "clients": _("Clients"),
    "domains": _("Domains"),
    "mail": _("Mail and sending domain"),
    "members": _("Team"),
    "privacy": _("Privacy"),
    "webhooks": _("Webhooks"),
}


class APIKeyForm(forms.Form):
    """What a key is for, and what it may do."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("Where it is used, such as “CRM”.")
    )
    mode = forms.ChoiceField(
        label=_("Mode"),
        choices=APIKey.Mode.choices,
        initial=APIKey.Mode.LIVE,
        required=False,
        help_text=_("Calls of a test key reach a simulator and cost nothing."),
    )
    access = forms.ChoiceField(
        label=_("Access"),
        choices=[
            (WRITE, _("Everything")),
            (READ, _("Only reading")),
            ("some", _("Only what is ticked below")),
        ],
        initial=WRITE,
        required=False,
    )
    scopes = forms.MultipleChoiceField(
        label=_("May use"), widget=forms.CheckboxSelectMultiple, required=False
    )
    ends = forms.ChoiceField(label=_("Ends"), choices=_ENDS, required=False)
    networks = forms.CharField(
        label=_("Only from"),
        required=False,
        max_length=1_000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Addresses or networks such as 203.0.113.0/24, one a line."),
    )

    origins = forms.CharField(
        label=_("Browser calls from"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_(
            "Websites that may join the calls this key starts, such as "
            "https://www.example.com, one a line. Empty: any page that has the token."
        ),
    )

    def __init__(
        self, *args: Any, held: frozenset[Permission] = frozenset(), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (f"{resource}:{verb}", _scope_label(resource, verb))
            for resource in RESOURCES
            for verb in (READ, WRITE)
            if allowed([f"{resource}:{verb}"]) & held
            and (verb == WRITE or _has_reading(resource))
        ]

    def clean_networks(self) -> list[str]:
        """Return networks; a bare address is a network of one."""
        found = []
        for word in self.cleaned_data["networks"].replace(",", " ").split():
            try:
                found.append(str(ip_network(word)))
            except ValueError as error:
                raise forms.ValidationError(
                    _("%(word)s is no address or network.") % {"word": word}
                ) from error
        if len(found) > MAX_NETWORKS:
            raise forms.ValidationError(
                _("At most %(count)d networks.") % {"count": MAX_NETWORKS}
            )
        return found

    def clean_origins(self) -> list[str]:
        """Return origins as browsers write them."""
        found = []
        for word in self.cleaned_data["origins"].replace(",", " ").split():
            try:
                found.append(read_origin(word))
            except ValueError as error:
                raise forms.ValidationError(
                    _("%(word)s is no origin. Write https://www.example.com.")
                    % {"word": word}
                ) from error
        if len(found) > MAX_NETWORKS:
            raise forms.ValidationError(
                _("At most %(count)d websites.") % {"count": MAX_NETWORKS}
            )
        return found

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("access") == "some" and not values.get("scopes"):
            self.add_error("scopes", _("Tick what the key may use."))
        return values

    def wanted(self) -> dict[str, Any]:
        """Return what `issue_key` takes."""
        values = self.cleaned_data
        access = values["access"] or WRITE
        return {
            "name": values["name"],
            "mode": values["mode"] or APIKey.Mode.LIVE,
            "scopes": values["scopes"] if access == "some" else [access],
            "networks": values["networks"],
            "origins": values["origins"],
            "expires_at": timezone.now() + timedelta(days=int(values["ends"]))
            if values["ends"]
            else None,
        }


class KeyPrefixForm(forms.Form):
    """What new keys of a portal start with."""

    starts_with = forms.CharField(
        label=_("New keys start with"),
        min_length=2,
        max_length=10,
        validators=[key_prefix_validator],
        help_text=_("Followed by _live_ or _test_. Keys that exist keep working."),
    )


class OverlapForm(forms.Form):
    """How long a replaced key works on."""

    hours = forms.TypedChoiceField(
        label=_("The old key works on for"),
        choices=[(24, _("24 hours")), (168, _("7 days")), (0, _("not at all"))],
        coerce=int,
        initial=24,
    )


def _has_reading(resource: str) -> bool:
    return any(one.value == f"{resource}:read" for one in Permission)


def _scope_label(resource: str, verb: str) -> str:
    name = str(_LABELS.get(resource, resource.replace("_", " ").capitalize()))
    if verb == READ:
        return str(_("%(name)s: read") % {"name": name})
    return str(_("%(name)s: read and change") % {"name": name})
