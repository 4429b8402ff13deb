"""Issuing, finding and revoking keys of the REST API."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from portal.models import APIKey, Organization, User
from portal.scope import all_organizations
from portal.services import audit

LIVE_PREFIX = "fl_live_"
_SHOWN_CHARACTERS = len(LIVE_PREFIX) + 4
_USE_RESOLUTION = timedelta(minutes=1)


def digest_of(key: str) -> str:
    """Return the SHA-256 a key is stored as; 32 random bytes need no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def issue_key(
    *, organization: Organization, name: str, actor: User | None, key: str | None = None
) -> tuple[APIKey, str]:
    """Make a key and return it with its text, which is never readable again.

    `key` lets the demo keep the one it printed before.
    """
    text = key or LIVE_PREFIX + secrets.token_urlsafe(32)
    row = APIKey.objects.create(
        organization=organization,
        name=name,
        prefix=text[:_SHOWN_CHARACTERS],
        digest=digest_of(text),
        created_by=actor,
    )
    audit.record(
        organization=organization,
        actor=actor,
        action="api_key.issued",
        target=row,
        changes={"name": name},
    )
    return row, text


class KeyEnded(Exception):
    """The key was good once; `code` is the API's word for why it is not any more."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def find_key(text: str) -> APIKey | None:
    """Return the usable key of this text, or `None`; note its use once a minute.

    Raises `KeyEnded` for one that was revoked or has expired.
    """
    now = timezone.now()
    with all_organizations("the key says which organization it belongs to"):
        key = (
            APIKey.objects.select_related("organization", "organization__parent")
            .filter(digest=digest_of(text))
            .first()
        )
        if key and key.revoked_at is not None:
            raise KeyEnded("api_key_revoked", "This API key was revoked.")
        if key and key.expires_at is not None and key.expires_at <= now:
            raise KeyEnded("api_key_expired", "This API key has expired.")
        if key and (
            key.last_used_at is None or now - key.last_used_at > _USE_RESOLUTION
        ):
            APIKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


@transaction.atomic
def revoke_key(*, key: APIKey, actor: User | None) -> None:
    """End a key at once; a second revocation changes nothing."""
    if APIKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(
        revoked_at=timezone.now()
    ):
        audit.record(
            organization=key.organization,
            actor=actor,
            action="api_key.revoked",
            target=key,
        )
