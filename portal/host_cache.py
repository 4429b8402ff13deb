"""Portals by host, remembered for seconds, so that a page asks for no brand.

With Redis the memory is shared and a change is seen at once everywhere; without, each
process has its own and another one's change is seen after `PORTAL_CACHE_S` at most.
An unknown host is never remembered: strangers could fill the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

if TYPE_CHECKING:
    from portal.models import Portal


def _key(host: str) -> str:
    return f"portal-host:{host}"


def remembered(host: str) -> Portal | None:
    """Return the portal of a host as it was a moment ago, if it was asked for then."""
    if not settings.PORTAL_CACHE_S:
        return None
    portal: Portal | None = cache.get(_key(host))
    return portal


def remember(host: str, portal: Portal) -> None:
    if settings.PORTAL_CACHE_S:
        cache.set(_key(host), portal, settings.PORTAL_CACHE_S)


def forget_hosts(*hosts: str) -> None:
    """Forget what was known of hosts, now and again when the transaction commits."""
    keys = [_key(host) for host in hosts]
    cache.delete_many(keys)
    transaction.on_commit(lambda: cache.delete_many(keys), robust=True)


def forget_portal(portal: Portal) -> None:
    """Forget a portal at its slug and at its own domains."""
    forget_hosts(f"{portal.slug}.{settings.BASE_DOMAIN}", *portal.domain_names())
