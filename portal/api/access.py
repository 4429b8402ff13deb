"""Rights of API operations, declared like those of views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from django.core.exceptions import PermissionDenied
from ninja.params import models

from portal.api.errors import InvalidRequest, LiveKeyNeeded
from portal.api_scopes import allowed, scope_for
from portal.http import KeyRequest
from portal.models import APIKey, Role
from portal.permissions import Permission, permissions_of

F = TypeVar("F", bound=Callable[..., Any])
# Why a test key is refused.
_ONLY_A_TEST: Final = "A test key neither calls people nor moves money. Use a live key."
ASKS_NO_VENDOR: Final = "A test key asks no vendor. Use a live key."


def api_requires(
    permission: Permission, *, needs_live_key: bool = False
) -> Callable[[F], F]:
    """Let only keys with this right in; the key itself is checked by `ApiMiddleware`.

    What calls people or moves money `needs_live_key`, whatever the body says. A filter
    the operation does not know is refused: ignored, it would answer with more than was
    asked for.
    """

    def decorate(operation: F) -> F:
        shape = signature(operation, eval_str=True)
        known = _query_names(shape)

        @wraps(operation)
        def guarded(request: KeyRequest, *args: Any, **kwargs: Any) -> Any:
            if permission not in getattr(request, "permissions", frozenset()):
                raise PermissionDenied(lacking(request, permission))
            if needs_live_key:
                require_live_key(request)
            for name in request.GET:
                if name not in known:
                    raise InvalidRequest(f"Unknown parameter: {name}", param=name)
            return operation(request, *args, **kwargs)

        # The framework reads parameters from the signature, in our globals otherwise.
        guarded.__signature__ = shape  # type: ignore[attr-defined]  # as inspect.signature reads it
        guarded.access = permission  # type: ignore[attr-defined]  # read by the house test
        return guarded  # type: ignore[return-value]  # same signature

    return decorate


def lacking(request: KeyRequest, permission: Permission) -> str:
    """Return why a key has no right to something, and which key would."""
    key: APIKey | None = getattr(request, "api_key", None)
    if key is None:
        return ""
    in_agency = key.organization.is_agency
    having = [
        role
        for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)
        if permission in permissions_of(role, in_agency=in_agency)
    ]
    if not having:
        return "Only an agency may do that; this key belongs to a client."
    if key.role not in having:
        return (
            f"This key has the rights of the role {key.role}, and this takes those of "
            f"{having[0]}. Use a key that somebody of that role made."
        )
    if permission not in allowed(key.scopes):
        return f"This key has no scope for this. It takes `{scope_for(permission)}`."
    return "This is switched off for the organization."


def require_live_key(request: KeyRequest, why: str = _ONLY_A_TEST) -> None:
    """Raise `LiveKeyNeeded` for a test key."""
    if request.api_key.is_test:
        raise LiveKeyNeeded(why)


def api_public(operation: F) -> F:
    """Mark an operation that needs no key."""
    operation.access = "public"  # type: ignore[attr-defined]  # read by the house test
    return operation


def _query_names(shape: Signature) -> frozenset[str]:
    """Return the names of the query's parameters that an operation reads."""
    names: set[str] = set()
    for parameter in shape.parameters.values():
        if get_origin(parameter.annotation) is Annotated:
            model, *marks = get_args(parameter.annotation)
            if any(isinstance(mark, models.Query) for mark in marks):
                names |= set(model.model_fields)
    return frozenset(names)
