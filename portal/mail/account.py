"""What sign-in, passwords and second steps write to a person, as mails of the house.

allauth names a mail by a prefix of its templates; here that becomes one of our kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_NOT_YOU: Final = _("If it was not you, choose a new password at once.")

# What happened to an account, told to its owner afterwards.
_NOTICES: Final[dict[str, str | Promise]] = {
    "account/email/password_changed": _("Your password was changed"),
    "account/email/password_set": _("A password was set for your account"),
    "account/email/password_reset": _("Your password was reset"),
    "account/email/email_changed": _("Your email address was changed"),
    "account/email/email_deleted": _("An email address was removed"),
    "mfa/email/totp_activated": _("Two-factor sign-in was switched on"),
    "mfa/email/totp_deactivated": _("Two-factor sign-in was switched off"),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made"),
    "mfa/email/webauthn_added": _("A passkey was added to your account"),
    "mfa/email/webauthn_removed": _("A passkey was removed from your account"),
    "socialaccount/email/account_connected": _("Another way to sign in was added"),
    "socialaccount/email/account_disconnected": _("A way to sign in was removed"),
}


def account_mail(prefix: str, context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind and context of one of allauth's mails."""
    if prefix in _NOTICES:
        return "notice", {"subject": _NOTICES[prefix], "message": _NOT_YOU, "url": ""}
    name = prefix.rpartition("/")[2]
    if name.startswith("email_confirmation"):
        return "verify", {
            "url": context.get("activate_url", ""),
            "code": context.get("code", ""),
        }
    if name == "password_reset_key":
        return "reset", {"url": context["password_reset_url"]}
    if name == "login_code":
        return "sign_in_code", {"code": context["code"]}
    raise LookupError(f"Nobody drew the mail {prefix}.")
