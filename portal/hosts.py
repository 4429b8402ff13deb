"""Which portal a host belongs to, for HTTP and websockets alike."""

from __future__ import annotations

from django.conf import settings

from portal.host_cache import remember, remembered
from portal.models import Portal, PortalDomain


class UnknownHost(Exception):
    """No portal answers at this host."""


def bare_host(host: str) -> str:
    """Return a host name in lower case, without port and trailing dot."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].removesuffix(".")


def find_portal(host: str) -> Portal | None:
    """Return the portal of a host, `None` for the operator's own; raise `UnknownHost`.

    Only one label below the base domain names a portal: `acme.localhost`, never
    `x.acme.localhost`. Any other host must be a domain whose owner was proven.
    """
    name = bare_host(host)
    if is_operators(name):
        return None
    portal = remembered(name) or _look_up(name)
    if portal is None:
        raise UnknownHost(name)
    return portal


def is_operators(name: str) -> bool:
    """Whether a bare host is the operator's own."""
    return name == settings.BASE_DOMAIN or name in settings.OPERATOR_HOSTS


def slug_host(portal: Portal) -> str:
    """Return the host a portal always has."""
    return f"{portal.slug}.{settings.BASE_DOMAIN}"


def _look_up(name: str) -> Portal | None:
    slug, _dot, rest = name.partition(".")
    rows = Portal.objects.select_related("agency")
    if rest == settings.BASE_DOMAIN:
        portal = rows.filter(slug=slug).first()
    elif name.endswith(f".{settings.BASE_DOMAIN}"):
        return None
    else:
        portal = rows.filter(
            domains__name=name, domains__status__in=PortalDomain.SERVED
        ).first()
    if portal is not None:
        remember(name, portal)
    return portal


def canonical_host(portal: Portal) -> str:
    """Return the host people are to see: the own domain where one is live."""
    return portal.live_domain or slug_host(portal)


def portal_url(portal: Portal, path: str = "/") -> str:
    """Return the absolute address of a page on a portal."""
    scheme = "http" if settings.IS_PLAIN_HTTP else "https"
    port = f":{settings.PORT}" if settings.IS_PLAIN_HTTP else ""
    return f"{scheme}://{canonical_host(portal)}{port}{path}"
