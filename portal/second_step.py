"""The second step of signing in, as this house has it: sealed, and under the portal's name.

The sign-in library keeps an app's secret and the seed of recovery codes as they are;
whoever reads the table could make anybody's codes. Here they are sealed like every
other secret. The library's hook does not say whose a value is, so it is bound to its
table alone.
"""

from __future__ import annotations

from typing import Any, Final

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _

from portal.sealed import key_ring

_SEALED: Final = "sealed:"
_PLACE: Final = "mfa_authenticator.data"
_SECRETS: Final = ("secret", "seed")  # of an app, of recovery codes


class SecondStepAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return _SEALED + key_ring().seal(text, _PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        if not encrypted_text.startswith(_SEALED):  # kept before secrets were sealed
            return encrypted_text
        return key_ring().unseal(encrypted_text.removeprefix(_SEALED), _PLACE)

    def get_totp_issuer(self) -> str:
        """Return what an app shows the codes under: the portal's name."""
        portal = getattr(context.request, "portal", None)
        return str(portal.name) if portal else super().get_totp_issuer()

    def generate_authenticator_name(
        self, user: AbstractBaseUser, type: Authenticator.Type
    ) -> str:
        """Return what a new passkey is called until somebody names it."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        if not count:
            return _("Passkey")
        return _("Passkey %(number)s") % {"number": count + 1}


def reseal_second_steps() -> int:
    """Seal anew, or for the first time, what is not under the key that seals now."""
    current = f"{_SEALED}{key_ring().primary}."
    adapter, done = SecondStepAdapter(), 0
    for row in Authenticator.objects.iterator(chunk_size=200):
        before: dict[str, Any] = row.data
        older = {
            name: before[name]
            for name in _SECRETS
            if name in before and not before[name].startswith(current)
        }
        if older:
            moved = {
                name: adapter.encrypt(adapter.decrypt(text))
                for name, text in older.items()
            }
            unchanged = Authenticator.objects.filter(pk=row.pk, data=before)
            done += unchanged.update(data=before | moved)
    return done
