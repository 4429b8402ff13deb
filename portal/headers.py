"""Headers that tell a browser what a page may do, beside the content security policy.

A page asks for nothing unless its view says so: `@uses_microphone` for those with a
call or a dictation. Whatever we answer is for our own pages only, except for what
other sites embed (`EMBEDDED`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]
V = TypeVar("V", bound=Callable[..., Any])

_OFF: Final = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "midi",
    "payment",
    "serial",
    "usb",
)
NOTHING: Final = ", ".join(f"{name}=()" for name in (*_OFF, "microphone"))
MICROPHONE: Final = ", ".join(
    [*(f"{name}=()" for name in _OFF), "microphone=(self)", "autoplay=(self)"]
)
# Pictures and scripts that mails, app icons and embedded calls fetch from elsewhere.
EMBEDDED: Final = ("/static/", "/brand/")


class HeadersMiddleware:
    """Set what a view left open, on every response, errors included."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", NOTHING)
        is_embedded = request.path.startswith(EMBEDDED)
        response.headers.setdefault(
            "Cross-Origin-Resource-Policy",
            "cross-origin" if is_embedded else "same-origin",
        )
        return response


def uses_microphone(view: V) -> V:
    """Let a page ask for the microphone and play sound."""

    @wraps(view)
    def allowed(*args: Any, **kwargs: Any) -> Any:
        response = view(*args, **kwargs)
        response.headers["Permissions-Policy"] = MICROPHONE
        return response

    return allowed  # type: ignore[return-value]  # the same signature
