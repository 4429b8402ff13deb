"""The one shape of an API error, and every code that may stand in it."""

from __future__ import annotations

from typing import Any, Final, TypedDict

from django.http import JsonResponse


class ErrorDetail(TypedDict):
    code: str
    message: str
    param: str | None
    type: str


class ErrorBody(TypedDict):
    error: ErrorDetail


# Code → type. What is not here cannot be answered.
CODES: Final[dict[str, str]] = {
    "unauthorized": "authentication_error",
    "forbidden": "permission_error",
    "invalid_request": "validation_error",
    "missing_field": "validation_error",
    "insufficient_credits": "billing_error",
    "not_found": "not_found_error",
    "method_not_allowed": "invalid_request_error",
    "rate_limit_exceeded": "rate_limit_error",
    "assistant_not_ready": "conflict_error",
    "organization_suspended": "permission_error",
    "too_many_calls": "rate_limit_error",
    "no_capacity": "availability_error",
    "call_refused": "conflict_error",
    "call_not_active": "conflict_error",
    "internal_error": "server_error",
}


def error_body(code: str, message: str, param: str | None = None) -> ErrorBody:
    """Return the body of an error; an unlisted code is a bug and raises."""
    return {
        "error": {"code": code, "message": message, "param": param, "type": CODES[code]}
    }


def error_response(
    code: str, message: str, *, status: int, param: str | None = None, **headers: Any
) -> JsonResponse:
    return JsonResponse(
        error_body(code, message, param), status=status, headers=headers
    )


class InvalidRequest(Exception):
    """A request that cannot be followed; `param` is the path of the field at fault."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def param_path(location: tuple[int | str, ...]) -> str:
    """Return a field's path as the API names it.

    >>> param_path(("llm_config", "tools", 2, "name"))
    'llm_config.tools[2].name'
    """
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
