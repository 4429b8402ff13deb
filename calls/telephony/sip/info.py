"""Keys in INFO requests, where the audio cannot carry them. Pure."""

from __future__ import annotations

from typing import Final

from sipmessage import Request

from calls.telephony.sip.headers import text_of

KEY_TYPE: Final = "application/dtmf-relay"
_TYPES: Final = (KEY_TYPE, "application/dtmf")
_KEYS: Final = "0123456789*#ABCD"


def key_body(key: str) -> bytes:
    """Return the body that presses a key."""
    return f"Signal={key}\r\nDuration=160\r\n".encode()


def key_in(request: Request) -> str:
    """Return the key of a dtmf-relay body, or of a bare one; empty when there is none."""
    kind = (request.headers.get("Content-Type") or "").partition(";")[0]
    if kind.strip().lower() not in _TYPES:
        return ""
    for line in text_of(request.body.decode("latin-1")).splitlines():
        name, equals, value = line.partition("=")
        text = (value if equals and name.strip().lower() == "signal" else "").strip()
        if not equals:
            text = line.strip()
        text = {"10": "*", "11": "#"}.get(text, text).upper()
        if len(text) == 1 and text in _KEYS:
            return text
    return ""
