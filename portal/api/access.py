"""Rights of API operations, declared like those of views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from portal.permissions import Permission

F = TypeVar("F", bound=Callable[..., Any])


def api_requires(permission: Permission) -> Callable[[F], F]:
    """Let only keys with this right in; the key itself is checked by `ApiMiddleware`."""

    def decorate(operation: F) -> F:
        @wraps(operation)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if permission not in getattr(request, "permissions", frozenset()):
                raise PermissionDenied
            return operation(request, *args, **kwargs)

        # The framework reads parameters from the signature, in our globals otherwise.
        guarded.__signature__ = signature(operation, eval_str=True)  # type: ignore[attr-defined]  # as inspect.signature reads it
        guarded.access = permission  # type: ignore[attr-defined]  # read by the house test
        return guarded  # type: ignore[return-value]  # same signature

    return decorate


def api_public(operation: F) -> F:
    """Mark an operation that needs no key."""
    operation.access = "public"  # type: ignore[attr-defined]  # read by the house test
    return operation
