"""Which portal a host belongs to, for HTTP and websockets alike."""

from __future__ import annotations

from django.conf import settings

from portal.models import Portal


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
    `x.acme.localhost`.
    """
    name = bare_host(host)
    base = settings.BASE_DOMAIN
    if name == base or name in settings.OPERATOR_HOSTS:
        return None
    slug, dot, rest = name.partition(".")
    if not dot or rest != base:
        raise UnknownHost(name)
    portal = (
        Portal.objects.select_related("agency")
        .defer("logo_light", "logo_dark", "favicon")
        .filter(slug=slug)
        .first()
    )
    if portal is None:
        raise UnknownHost(name)
    return portal


def portal_url(portal: Portal, path: str = "/") -> str:
    """Return the absolute address of a page on a portal."""
    scheme = "http" if settings.IS_PLAIN_HTTP else "https"
    port = f":{settings.PORT}" if settings.IS_PLAIN_HTTP else ""
    return f"{scheme}://{portal.slug}.{settings.BASE_DOMAIN}{port}{path}"
