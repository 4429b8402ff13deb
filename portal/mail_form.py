"""Whose name an agency's mails bear, and through whose server they leave."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.models import MailSender

Transport = MailSender.Transport


class SenderForm(forms.ModelForm):  # type: ignore[type-arg]  # ModelForm is not generic at run time
    """Secrets are written, never shown: an empty field keeps the one that is there."""

    smtp_password = forms.CharField(
        label=_("Password"),
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
    resend_key = forms.CharField(
        label=_("Resend API key"),
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )

    class Meta:
        model = MailSender
        fields = (
            "from_name",
            "from_address",
            "reply_to",
            "transport",
            "smtp_host",
            "smtp_port",
            "smtp_security",
            "smtp_user",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.secret_hint:
            for name in ("smtp_password", "resend_key"):
                self.fields[name].help_text = _(
                    "Kept: …%(hint)s. Empty leaves it as it is."
                ) % {"hint": self.instance.secret_hint}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        transport = cleaned.get("transport")
        if transport != Transport.PLATFORM and not cleaned.get("from_address"):
            self.add_error(
                "from_address", _("Your own server sends from your own address.")
            )
        if transport == Transport.SMTP and not cleaned.get("smtp_host"):
            self.add_error("smtp_host", _("Enter the name of your server."))
        if (
            transport == Transport.RESEND
            and not cleaned.get("resend_key")
            and not self.instance.resend_key
        ):
            self.add_error("resend_key", _("Enter the key of your Resend account."))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # Whose row it is was never in the form.
        return {
            *super()._get_validation_exclusions(),  # type: ignore[misc]  # not in the stubs
            "organization",
            "agency",
        }
