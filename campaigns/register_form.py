"""The form of an external register, as organizations and the operator fill it in."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from calls.destinations import known_countries
from campaigns.asking import RegisterSilent, ask
from campaigns.models import Register
from campaigns.numbers import UnusableNumber, read_number
from campaigns.services.registers import NewRegister
from common.http import OutboundError, check_url
from common.http.client import allowed_networks


def address_fault(url: str) -> str:
    """Return why an address cannot be asked; empty when it can."""
    try:
        check_url(url, allowed=allowed_networks())
    except OutboundError as error:
        return str(error)
    return ""


class RegisterForm(forms.Form):
    """Where a register is, for which numbers it is asked, and how long it holds."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("It stands in the record of each call it kept back."),
    )
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput({"placeholder": "https://"}),
    )
    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        max_length=500,
        required=False,
        strip=True,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
    countries = forms.CharField(
        label=gettext_lazy("Countries"),
        max_length=200,
        required=False,
        help_text=gettext_lazy(
            "Codes such as GB, NL. Empty: it is asked about every number."
        ),
    )
    fresh_for_h = forms.IntegerField(
        label=gettext_lazy("An answer holds for"),
        min_value=1,
        max_value=744,
        initial=24,
        help_text=gettext_lazy("Then it is asked again before the next call."),
    )

    def __init__(
        self, *args: Any, register: Register | None = None, **kwargs: Any
    ) -> None:
        if register is not None:
            kwargs["initial"] = {
                "name": register.name,
                "url": register.url,
                "countries": ", ".join(register.countries),
                "fresh_for_h": register.fresh_for_h,
            }
        super().__init__(*args, **kwargs)
        if register is not None and register.secret:
            self.fields["secret"].help_text = _(
                "One is kept, and is not shown. Empty: it stays."
            )
        else:
            self.fields["secret"].help_text = _("Sent as a bearer token.")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        if fault := address_fault(url):
            raise forms.ValidationError(fault)
        return url

    def clean_countries(self) -> list[str]:
        codes = re.findall(r"[^\s,;]+", self.cleaned_data["countries"].upper())
        if unknown := sorted(set(codes) - known_countries()):
            raise forms.ValidationError(
                _("%(code)s is no country’s code.") % {"code": unknown[0]}
            )
        return sorted(set(codes))

    @property
    def new(self) -> NewRegister:
        return NewRegister(**self.cleaned_data)

    @property
    def changes(self) -> dict[str, Any]:
        """What a register is changed to; a secret that is left empty stays."""
        found = dict(self.cleaned_data)
        if not found["secret"]:
            del found["secret"]
        return found


class TryRegisterForm(forms.Form):
    """One number, to see what a register says of it right now."""

    phone_number = forms.CharField(
        label=gettext_lazy("Ask about a number"),
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}),
        help_text=gettext_lazy("With its country code. Nobody is called."),
    )

    def clean_phone_number(self) -> str:
        try:
            return read_number(self.cleaned_data["phone_number"], "").e164
        except UnusableNumber as error:
            raise forms.ValidationError(str(error)) from error


def try_register(register: Register, number: str) -> tuple[bool, str]:
    """Ask a register about one number; return whether it answered, and what to tell."""
    try:
        listed = ask(register, [number])
    except RegisterSilent as error:
        return False, _("The register cannot be used: %(fault)s") % {
            "fault": str(error)
        }
    if number in listed:
        return True, _("It answered: %(number)s is listed.") % {"number": number}
    return True, _("It answered: %(number)s is not listed.") % {"number": number}
