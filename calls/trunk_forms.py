"""The form of a trunk. Every rule of `calls.trunk_rules`, told beside its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.sovereignty import OutsideRegion
from calls.models import Trunk
from calls.telephony.forwarding import PROVIDERS, provider_of
from calls.trunk_places import require_open_host
from calls.trunk_rules import (
    OPTIONS_EVERY_S,
    REGISTER_EXPIRES_S,
    BadAddress,
    HostPort,
    parse_address,
    parse_codecs,
    parse_domain,
    parse_networks,
    parse_seconds,
)
from common.phone import InvalidNumber, parse_number

T = TypeVar("T")
_DIRECT = ("transport", "caller_id", "number_format", "max_channels")


class TrunkForm(forms.Form):
    """A trunk as a person sees it; `values()` is what the service takes."""

    name = forms.CharField(label=_("Name"), max_length=80)
    provider = forms.ChoiceField(
        label=_("Carrier"), choices=[(one.name, one.label) for one in PROVIDERS]
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=260,
        required=False,
        help_text=_("The carrier's SIP server, with its port if it has its own."),
        widget=forms.TextInput(
            {"placeholder": "sip.example.com", "autocomplete": "off"}
        ),
    )
    transport = forms.ChoiceField(
        label=_("Transport"),
        choices=Trunk.Transport.choices,
        help_text=_(
            "TLS encrypts who calls whom, and the audio where the carrier can."
        ),
    )
    data_region = forms.ChoiceField(
        label=_("Where the carrier computes"),
        choices=Trunk.DataRegion.choices,
        required=False,
        help_text=_(
            "At Twilio, Europe is the region IE1: it has an auth token of its own, and "
            "the number is to be routed there. At Telnyx, choose an AnchorSite in Europe "
            "too."
        ),
    )
    auth_username = forms.CharField(
        label=_("User name"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    auth_password = forms.CharField(
        label=_("Password"),
        max_length=200,
        required=False,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    public_key = forms.CharField(
        label=_("Public key"),
        max_length=120,
        required=False,
        help_text=_("Of the account, where the carrier signs its events with one."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    registers = forms.BooleanField(
        label=_("Register with the carrier"),
        required=False,
        help_text=_("For carriers that find you by your sign-in, not by your address."),
    )
    inbound_addresses = forms.CharField(
        label=_("Calls come in from"),
        required=False,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "Addresses or networks of the carrier, one a line, such as 203.0.113.0/24."
        ),
    )
    outbound_number = forms.CharField(
        label=_("The trunk's own number"), max_length=40, required=False
    )
    caller_id = forms.ChoiceField(
        label=_("People you call see"), choices=Trunk.CallerId.choices
    )
    number_format = forms.ChoiceField(
        label=_("Numbers are written"), choices=Trunk.NumberFormat.choices
    )
    max_channels = forms.IntegerField(
        label=_("Calls at once"), min_value=1, max_value=10_000, initial=10
    )
    calls_per_second = forms.IntegerField(
        label=_("New calls a second"),
        min_value=1,
        max_value=100,
        initial=1,
        help_text=_("Carriers turn away what comes faster than they allow."),
    )
    codecs = forms.CharField(
        label=_("Audio formats"),
        max_length=40,
        required=False,
        help_text=_("In the order you want them, of PCMA, PCMU and opus. Empty: all."),
        widget=forms.TextInput({"placeholder": "PCMA, PCMU", "spellcheck": "false"}),
    )
    srtp = forms.BooleanField(
        label=_("Encrypt the audio"),
        required=False,
        help_text=_("SRTP, over TLS only. Calls without it are turned away."),
    )
    domain = forms.CharField(
        label=_("Domain"),
        max_length=253,
        required=False,
        help_text=_("Of your address at the carrier, where it is not the server's."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    register_expires_s = forms.IntegerField(
        label=_("Seconds a registration holds"), min_value=0, initial=600
    )
    options_every_s = forms.IntegerField(
        label=_("Seconds between two greetings"),
        min_value=0,
        initial=60,
        help_text=_("A greeting tells whether the carrier is there. 0: never."),
    )
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, trunk: Trunk | None = None, **kwargs: Any) -> None:
        if trunk is not None:
            kwargs["initial"] = initial_of(trunk)
        super().__init__(*args, **kwargs)
        self._kept_host = trunk.host if trunk is not None else ""
        if trunk is not None and trunk.password_hint:
            self.fields["auth_password"].help_text = _(
                "One is kept (%(hint)s). Leave this empty to keep it."
            ) % {"hint": trunk.password_hint}

    def clean_address(self) -> str:
        if not self.cleaned_data["address"]:
            return ""
        place = _checked(lambda: parse_address(self.cleaned_data["address"]))
        if place.host != self._kept_host:
            _checked(lambda: require_open_host(place.host))
        return str(self.cleaned_data["address"])

    def clean_data_region(self) -> str:
        return self.cleaned_data["data_region"] or Trunk.DataRegion.US

    def clean_inbound_addresses(self) -> list[str]:
        words = self.cleaned_data["inbound_addresses"].replace(",", "\n").split()
        return _checked(lambda: parse_networks(words))

    def clean_codecs(self) -> list[str]:
        words = self.cleaned_data["codecs"].replace(",", " ").split()
        return _checked(lambda: parse_codecs(words))

    def clean_domain(self) -> str:
        return _checked(lambda: parse_domain(self.cleaned_data["domain"]))

    def clean_register_expires_s(self) -> int:
        wanted = self.cleaned_data["register_expires_s"]
        return _checked(
            lambda: parse_seconds(wanted, REGISTER_EXPIRES_S, may_be_off=False)
        )

    def clean_options_every_s(self) -> int:
        wanted = self.cleaned_data["options_every_s"]
        return _checked(lambda: parse_seconds(wanted, OPTIONS_EVERY_S, may_be_off=True))

    def clean_outbound_number(self) -> str:
        text = self.cleaned_data["outbound_number"]
        try:
            return parse_number(text) if text else ""
        except InvalidNumber as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        carrier = provider_of(cleaned.get("provider", "")).carrier
        has_address = cleaned.get("address") or "address" in self.errors
        if carrier == "sip" and "provider" in cleaned and not has_address:
            self.add_error("address", _("Enter the carrier's SIP server."))
        if cleaned.get("registers") and not cleaned.get("auth_username"):
            self.add_error(
                "auth_username", _("A carrier registers you by your user name.")
            )
        if cleaned.get("srtp") and cleaned.get("transport") != Trunk.Transport.TLS:
            self.add_error(
                "srtp", _("Encrypted audio needs TLS: its keys travel in the messages.")
            )
        if cleaned.get("caller_id") == Trunk.CallerId.OUTBOUND and not cleaned.get(
            "outbound_number"
        ):
            self.add_error("outbound_number", _("Enter the number people are to see."))
        return cleaned

    def refuse_places(self, refusal: OutsideRegion) -> None:
        """Say beside its field where no call may go."""
        for fault in refusal.faults:
            field = {"host": "address"}.get(fault.param, fault.param)
            self.add_error(field if field in self.fields else None, fault.message)

    def values(self) -> dict[str, Any]:
        """Return a trunk's fields; an empty password means: as it was."""
        values = dict(self.cleaned_data)
        address = values.pop("address")
        place = parse_address(address) if address else HostPort("")
        values |= {"host": place.host, "port": place.port}
        values["carrier"] = provider_of(values["provider"]).carrier
        if not values["auth_password"]:
            del values["auth_password"]
        return values


def _checked(check: Callable[[], T]) -> T:
    try:
        return check()
    except BadAddress as error:
        raise forms.ValidationError(str(error)) from error


def initial_of(trunk: Trunk) -> dict[str, Any]:
    """Return what the form of this trunk starts with; never the password."""
    names = [*_DIRECT, "name", "provider", "auth_username", "registers"]
    names += ["public_key", "outbound_number", "calls_per_second", "is_active"]
    names += ["data_region", "srtp", "domain", "register_expires_s", "options_every_s"]
    return {name: getattr(trunk, name) for name in names} | {
        "address": trunk.address,
        "codecs": ", ".join(trunk.codecs),
        "inbound_addresses": "\n".join(trunk.inbound_addresses),
    }
