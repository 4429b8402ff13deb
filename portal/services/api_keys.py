"""Issuing, finding, replacing and revoking keys of the REST API."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from portal.models import APIKey, Organization, Portal, Role, User
from portal.postgresql.prepared import prepared_cursor
from portal.postgresql.rows import Rows
from portal.scope import all_organizations
from portal.services import audit

DEFAULT_PREFIX: Final = "fl"
LIVE_PREFIX: Final = f"{DEFAULT_PREFIX}_live_"
OVERLAP: Final = timedelta(hours=24)
_SHOWN_OF_SECRET: Final = 4
_USE_RESOLUTION: Final = timedelta(minutes=1)

_KEY: Final = Rows(APIKey, "key")
_OWNER: Final = Rows(Organization, "owner", start=_KEY.end)
_PARENT: Final = Rows(Organization, "parent", start=_OWNER.end)
_FIND: Final = (
    sql.SQL(
        """
select {}, {}, {} from portal_apikey key
join portal_organization owner on owner.id = key.organization_id
left join portal_organization parent on parent.id = owner.parent_id
where key.digest = %s
"""
    )
    .format(_KEY.columns, _OWNER.columns, _PARENT.columns)
    .as_bytes()
)


def digest_of(key: str) -> str:
    """Return the SHA-256 a key is stored as; 32 random bytes need no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


def prefix_for(organization: Organization, mode: str) -> str:
    """Return what keys of this portal start with: its own word, then the mode."""
    word = (
        Portal.objects.filter(agency_id=organization.agency_id)
        .values_list("api_key_prefix", flat=True)
        .first()
    )
    return f"{word or DEFAULT_PREFIX}_{mode}_"


@transaction.atomic
def issue_key(
    *,
    organization: Organization,
    name: str,
    actor: User | None,
    key: str | None = None,
    mode: str = APIKey.Mode.LIVE,
    role: str = Role.ADMIN,
    scopes: Sequence[str] = ("write",),
    networks: Sequence[str] = (),
    origins: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> tuple[APIKey, str]:
    """Make a key and return it with its text, which is never readable again.

    `key` lets the demo keep the one it printed before.
    """
    start = prefix_for(organization, mode)
    text = key or start + secrets.token_urlsafe(32)
    row = APIKey.objects.create(
        organization=organization,
        name=name,
        prefix=text[: len(start) + _SHOWN_OF_SECRET],
        digest=digest_of(text),
        mode=mode,
        role=role,
        scopes=list(scopes),
        networks=list(networks),
        origins=list(origins),
        expires_at=expires_at,
        created_by=actor,
    )
    audit.record(
        organization=organization,
        actor=actor,
        action="api_key.issued",
        target=row,
        changes={"name": name, "mode": str(mode), "scopes": list(scopes)},
    )
    return row, text


@transaction.atomic
def rotate_key(
    *, key: APIKey, actor: User | None, overlap: timedelta = OVERLAP
) -> tuple[APIKey, str]:
    """Make a key that may do the same; the old one works on for `overlap`, no longer.

    Locks the old one. Raises `KeyEnded` for one that works no more or was replaced.
    """
    old = APIKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    now = timezone.now()
    if old.revoked_at or old.replaced_by_id or _has_expired(old, now):
        raise KeyEnded("api_key_revoked", "This key cannot be replaced any more.")
    new, text = issue_key(
        organization=old.organization,
        name=old.name,
        actor=actor,
        mode=old.mode,
        role=old.role,
        scopes=old.scopes,
        networks=old.networks,
        origins=old.origins,
        expires_at=old.expires_at,
    )
    ends_at = now + overlap
    if old.expires_at is not None:
        ends_at = min(ends_at, old.expires_at)
    APIKey.objects.filter(pk=old.pk).update(replaced_by=new, expires_at=ends_at)
    audit.record(
        organization=old.organization,
        actor=actor,
        action="api_key.rotated",
        target=old,
        changes={"until": ends_at.isoformat()},
    )
    return new, text


class KeyEnded(Exception):
    """The key was good once; `code` is the API's word for why it is not any more."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def find_key(text: str, *, address: str = "") -> APIKey | None:
    """Return the usable key of this text, or `None`; note its use once a minute.

    Raises `KeyEnded` for one that was revoked, has expired, or may not be used from
    this address.
    """
    now = timezone.now()
    with all_organizations("the key says which organization it belongs to"):
        key = _key_of(digest_of(text))
        if key is None:
            return None
        if key.revoked_at is not None:
            raise KeyEnded("api_key_revoked", "This API key was revoked.")
        if _has_expired(key, now):
            raise KeyEnded("api_key_expired", "This API key has expired.")
        if not key.may_come_from(address):
            raise KeyEnded(
                "address_not_allowed", "This API key may not be used from here."
            )
        if key.last_used_at is None or now - key.last_used_at > _USE_RESOLUTION:
            APIKey.objects.filter(pk=key.pk).update(
                last_used_at=now, last_used_from=address[:45]
            )
    return key


def _key_of(digest: str) -> APIKey | None:
    """Return a key with its organization and that one's agency, in one statement."""
    with prepared_cursor() as cursor:
        row = cursor.execute(_FIND, [digest]).fetchone()
    key = None if row is None else _KEY.read(row)
    if row is None or key is None:
        return None
    organization = _OWNER.read(row)
    assert organization is not None
    organization.parent = _PARENT.read(row)
    key.organization = organization
    return key


def _has_expired(key: APIKey, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


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


@transaction.atomic
def set_prefix(*, portal: Portal, prefix: str, actor: User | None) -> None:
    """Choose what new keys of a portal start with; old ones keep working."""
    Portal.objects.filter(pk=portal.pk).update(api_key_prefix=prefix)
    audit.record(
        organization=portal.agency,
        actor=actor,
        action="portal.changed",
        target=portal,
        changes={"starts_with": prefix},
    )
