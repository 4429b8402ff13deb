"""Forms of the page about signing in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class SecondFactorForm(forms.Form):
    """Whether everybody of the organization needs a second step."""

    is_required = forms.BooleanField(
        label=_("Everybody needs a second step"),
        help_text=_(
            "An authenticator app or a passkey, beside the password. Who has none is "
            "asked to set one up before anything else."
        ),
        required=False,
    )


class SignInAppForm(forms.Form):
    """An agency's application at one provider; the secret is never shown again."""

    client_id = forms.CharField(
        label=_("Client ID"),
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        label=_("Client secret"),
        max_length=400,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, hint: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hint = hint
        if hint:
            self.fields["secret"].help_text = _(
                "Ends in %(hint)s. Empty: it stays as it is."
            ) % {"hint": hint}

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if not secret and not self.hint:
            raise forms.ValidationError(_("Enter the secret that belongs to the ID."))
        return secret
