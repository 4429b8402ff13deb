"""Portals by host, remembered, so that a page asks for no brand.

With Redis the memory is shared and a change is seen at once everywhere; without, each
process has its own and another one's change is seen after `PORTAL_CACHE_S` at most: so
often a process asks for the number of changes there were, once for all its portals. Of
a process that is killed before it counts its change, the others know after `KEPT_S`.
An unknown host is never remembered: strangers could fill the memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

if TYPE_CHECKING:
    from portal.models import Portal

KEPT_S: Final = 60


@dataclass
class _Changes:
    """How many changes of portals there were when this process last asked."""

    number: int = -1
    asked_s: float = float("-inf")


_changes = _Changes()


def _key(host: str) -> str:
    return f"portal-host:{host}"


def _number() -> int:
    """Return the number of changes, as it was `PORTAL_CACHE_S` ago at most."""
    now_s = time.monotonic()
    if now_s - _changes.asked_s > settings.PORTAL_CACHE_S:
        with connection.cursor() as cursor:
            cursor.execute("SELECT last_value + is_called::int FROM portal_changes")
            _changes.number = cursor.fetchone()[0]
        _changes.asked_s = now_s
    return _changes.number


def remembered(host: str) -> Portal | None:
    """Return the portal of a host as it was a moment ago, if it was asked for then."""
    if not settings.PORTAL_CACHE_S:
        return None
    kept: tuple[int, Portal] | None = cache.get(_key(host))
    if kept is None:
        return None
    number, portal = kept
    return portal if number == _number() else None


def remember(host: str, portal: Portal) -> None:
    """Keep a portal that was just read, with the number of changes known before."""
    if settings.PORTAL_CACHE_S:
        cache.set(_key(host), (_number(), portal), KEPT_S)


def forget_hosts(*hosts: str) -> None:
    """Forget what was known of hosts, now and again when the transaction commits."""
    keys = [_key(host) for host in hosts]
    cache.delete_many(keys)

    def forget() -> None:
        cache.delete_many(keys)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('portal_changes')")
        _changes.asked_s = float("-inf")

    transaction.on_commit(forget, robust=True)


def forget_portal(portal: Portal) -> None:
    """Forget a portal at its slug and at its own domains."""
    forget_hosts(f"{portal.slug}.{settings.BASE_DOMAIN}", *portal.domain_names())
