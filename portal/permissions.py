"""Who may do what: one table that can be read aloud.

A view declares `@requires(Permission.X)` or `@public`; a house test walks every URL
and fails on one that declares neither. Another organization's object is 404, a missing
right is 403.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseBase

from portal.http import MemberRequest
from portal.models import Role


class Permission(StrEnum):
    """A right, named `object:verb`."""

    ASSISTANTS_READ = "assistants:read"
    ASSISTANTS_EDIT = "assistants:edit"
    CALLS_READ = "calls:read"
    CALLS_START = "calls:start"
    CALLS_CONTROL = "calls:control"
    CALLS_LISTEN = "calls:listen"  # a live call, as it goes on
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_EDIT = "campaigns:edit"
    CAMPAIGNS_LAUNCH = "campaigns:launch"
    BILLING_READ = "billing:read"
    BILLING_BUY = "billing:buy"
    BILLING_GRANT = "billing:grant"
    BILLING_SELL = "billing:sell"
    MEMBERS_READ = "members:read"
    MEMBERS_EDIT = "members:edit"
    API_KEYS_EDIT = "api_keys:edit"
    WEBHOOKS_EDIT = "webhooks:edit"
    PROVIDER_KEYS_EDIT = "provider_keys:edit"
    CLIENTS_READ = "clients:read"
    CLIENTS_EDIT = "clients:edit"
    CLIENTS_VISIT = "clients:visit"
    AUDIT_READ = "audit:read"
    ORGANIZATION_EDIT = "organization:edit"
    BRAND_EDIT = "brand:edit"
    DOMAINS_EDIT = "domains:edit"
    MAIL_EDIT = "mail:edit"
    PRIVACY_READ = "privacy:read"
    PRIVACY_EDIT = "privacy:edit"


_VIEWER: Final = frozenset(
    {
        Permission.ASSISTANTS_READ,
        Permission.CALLS_READ,
        Permission.CAMPAIGNS_READ,
        Permission.BILLING_READ,
        Permission.MEMBERS_READ,
        Permission.PRIVACY_READ,
    }
)
_OPERATOR: Final = _VIEWER | {
    Permission.ASSISTANTS_EDIT,
    Permission.CALLS_START,
    Permission.CALLS_CONTROL,
    Permission.CAMPAIGNS_EDIT,
    Permission.CAMPAIGNS_LAUNCH,
}
_ADMIN: Final = _OPERATOR | {
    Permission.CALLS_LISTEN,
    Permission.MEMBERS_EDIT,
    Permission.API_KEYS_EDIT,
    Permission.AUDIT_READ,
    Permission.WEBHOOKS_EDIT,
    Permission.PROVIDER_KEYS_EDIT,
    Permission.PRIVACY_EDIT,
    Permission.BILLING_BUY,
}

ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN | {Permission.ORGANIZATION_EDIT},
}

# Rights that only members of an agency have, over its clients and its portal.
AGENCY_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.CLIENTS_READ}),
    Role.OPERATOR: frozenset({Permission.CLIENTS_READ, Permission.CLIENTS_VISIT}),
    Role.ADMIN: frozenset(
        {
            Permission.CLIENTS_READ,
            Permission.CLIENTS_VISIT,
            Permission.CLIENTS_EDIT,
            Permission.BILLING_GRANT,
        }
    ),
    Role.OWNER: frozenset(
        {
            Permission.CLIENTS_READ,
            Permission.CLIENTS_VISIT,
            Permission.CLIENTS_EDIT,
            Permission.BILLING_GRANT,
            Permission.BILLING_SELL,
            Permission.BRAND_EDIT,
            Permission.DOMAINS_EDIT,
            Permission.MAIL_EDIT,
        }
    ),
}


# All that a visitor has who came to look.
READING: Final = frozenset(
    {
        Permission.ASSISTANTS_READ,
        Permission.CALLS_READ,
        Permission.CAMPAIGNS_READ,
        Permission.BILLING_READ,
        Permission.MEMBERS_READ,
        Permission.PRIVACY_READ,
    }
)
# What a visitor never has: the people, keys and money of the house.
NOT_FOR_VISITORS: Final = frozenset(
    {
        Permission.MEMBERS_EDIT,
        Permission.API_KEYS_EDIT,
        Permission.BILLING_BUY,
        Permission.ORGANIZATION_EDIT,
    }
)


def permissions_of(role: Role, *, in_agency: bool) -> frozenset[Permission]:
    """Return what a role may do in an agency or in a client."""
    rights = ROLE_PERMISSIONS[role]
    return rights | AGENCY_PERMISSIONS[role] if in_agency else rights


P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[Concatenate[MemberRequest, P], R]


def requires(permission: Permission) -> Callable[[View[P, R]], Callable[..., Any]]:
    """Let only members with this right in.

    Anonymous: to the sign-in page. No membership on this portal: 404. No right: 403.
    """

    def decorate(view: View[P, R]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if request.membership is None:
                raise Http404
            if permission not in request.permissions:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]  # read by the house test
        return guarded

    return decorate


V = TypeVar("V", bound=Callable[..., Any])


def public(view: V) -> V:
    """Mark a view that anyone may open; its docstring says why."""
    view.access = "public"  # type: ignore[attr-defined]  # read by the house test
    return view


def signed_in(view: View[P, R]) -> Callable[..., Any]:
    """Let any signed-in person in; for pages about the person, not an organization."""

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    guarded.access = "signed_in"  # type: ignore[attr-defined]  # read by the house test
    return guarded


def staff_only(view: View[P, R]) -> Callable[..., Any]:
    """Let only the operator's staff in; everyone else sees no such page."""

    @wraps(view)
    def guarded(request: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise Http404
        return view(request, *args, **kwargs)

    guarded.access = "staff"  # type: ignore[attr-defined]  # read by the house test
    return guarded
