"""Reading the body of an API request: JSON that the database can hold, or a refusal.

Limits hold for bodies of unknown length too. Text with a NUL or half of a surrogate
pair, and numbers that are not finite or exceed 64 bits, never reach a service.
"""

from __future__ import annotations

import json
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser

from portal.api.errors import Location, param_path

METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MAX_DEPTH: Final = 40


class RefusedBody(Exception):
    """A body that is not read any further; `code` stands in the table of errors."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class BodyParser(Parser):
    """Gives operations the body that `ApiMiddleware` has read."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.api_body  # type: ignore[attr-defined]  # set by ApiMiddleware


def read_bytes(request: HttpRequest) -> bytes:
    """Return the raw body, or refuse one that is too large before it fills the memory."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert limit is not None
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared) > limit:
        raise RefusedBody("body_too_large", _too_large(limit))
    data: bytes = request.read(limit + 1)
    if len(data) > limit:
        raise RefusedBody("body_too_large", _too_large(limit))
    return data


def parse_json(data: bytes, content_type: str) -> Any:
    """Return the value of a body; an empty body is an empty object."""
    if not data.strip():
        return {}
    kind, _semicolon, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise RefusedBody(
            "unsupported_media_type", "Send the body as application/json."
        )
    charset = rest.strip().lower().replace('"', "")
    if charset.startswith("charset=") and charset not in (
        "charset=utf-8",
        "charset=utf8",
    ):
        raise RefusedBody("unsupported_media_type", "Send the body in UTF-8.")
    try:
        value = json.loads(data.decode(), parse_constant=_not_finite)
    except (ValueError, RecursionError) as error:
        raise RefusedBody("malformed_json", "The body is not valid JSON.") from error
    check_value(value)
    return value


def check_value(value: object, at: Location = ()) -> None:
    """Refuse what PostgreSQL cannot store, naming where it is."""
    if len(at) > _MAX_DEPTH:
        raise RefusedBody("malformed_json", "The body is nested too deeply.")
    if isinstance(value, str):
        _check_text(value, at)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        if not -(2**63) <= value < 2**63:  # also false for NaN; refuses infinity
            raise RefusedBody(
                "invalid_request", "This number is too large.", param_path(at) or None
            )
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, at)
            check_value(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_value(inner, (*at, index))


def _check_text(text: str, at: Location) -> None:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise RefusedBody(
            "invalid_request",
            "Text may not hold NUL or half of a surrogate pair.",
            param_path(at) or None,
        )


def _not_finite(name: str) -> float:
    raise ValueError(name)


def _too_large(limit: int) -> str:
    return f"The body may have {limit} bytes."
