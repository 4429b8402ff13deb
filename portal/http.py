"""The request as views see it: portal, person, organization and rights, typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from portal.models import APIKey, Membership, Organization, Portal, User, Visit
    from portal.permissions import Permission


class PortalRequest(HttpRequest):
    """Any request after `HostMiddleware`; `portal` is None on the operator's own host."""

    portal: Portal | None
    htmx: HtmxDetails


class MemberRequest(PortalRequest):
    """A request after `ScopeMiddleware`.

    `user` is a person wherever a view declared a right. `organization` is the one being
    looked at, `membership` what gave the right to: a member of the agency may look at a
    client of it. Both are None for a stranger.
    """

    user: User
    membership: Membership | None
    organization: Organization
    organizations: list[Organization]
    permissions: frozenset[Permission]
    visit: Visit | None
    wants_second_factor: bool


class KeyRequest(PortalRequest):
    """A request of the API after `ApiMiddleware`, whose key may do what it declares.

    `permissions` are what is left of the key's role by its scopes and by what is
    switched off; `api_body` is the body, read and checked.
    """

    api_key: APIKey
    organization: Organization
    permissions: frozenset[Permission]
    api_body: Any


def page_before(request: HttpRequest) -> str:
    """Return the path of the page a form stood on; never an address elsewhere."""
    path = urlsplit(request.headers.get("Referer", "")).path
    # Two slashes would begin with a host.
    return f"/{path.lstrip('/')}"
