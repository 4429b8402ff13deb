"""What every webhook carries in its headers.

Two ways to check where it comes from stand side by side: the documented
`X-Webhook-Signature`, whose key is the secret as text, and the headers of Standard
Webhooks, whose key is what its base64 part stands for (the text itself, where it is no
base64). While a secret is being replaced, `webhook-signature` holds one for each;
the documented header has room for one, so `X-Webhook-Signature-Previous` holds the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets start with
_NO_TOKEN: Final = re.compile(r"[^A-Za-z0-9!#$%&'*+.^_`|~-]+")


def new_secret() -> str:
    """Return a secret of 24 random bytes in the form of Standard Webhooks."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(24)).decode()


def user_agent(brand: str) -> str:
    """Return the name a receiver sees: the portal's, in letters a header may hold."""
    name = _NO_TOKEN.sub("-", brand.encode("ascii", "ignore").decode()).strip("-")
    return f"{name or 'Webhooks'}/1.0"


def signed_headers(
    *,
    message_id: str,
    kind: str,
    body: bytes,
    secrets: Sequence[str],
    timestamp: int,
    agent: str,
) -> dict[str, str]:
    """Return the headers of one message; without a secret it goes unsigned."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": agent,
        "X-Webhook-Event": kind,
        "X-Webhook-Timestamp": str(timestamp),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
    }
    if not secrets:
        return headers
    first, *others = [documented(secret, timestamp, body) for secret in secrets]
    headers["X-Webhook-Signature"] = first
    if others:
        headers["X-Webhook-Signature-Previous"] = others[0]
    headers["webhook-signature"] = " ".join(
        standard(secret, message_id, timestamp, body) for secret in secrets
    )
    return headers


def documented(secret: str, timestamp: int, body: bytes) -> str:
    content = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_standard_key(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _standard_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()
