"""Whether Telnyx signed an event: Ed25519 over the time and the body.

The vendor's own check needs a library of its own; the scheme is four lines.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_AGE_S: Final = 300


def is_signed(body: str, *, public_key: str, signature: str, timestamp: str) -> bool:
    """Tell whether this body was signed by this account, in the last five minutes."""
    try:
        sent_at = int(timestamp)
        key = Ed25519PublicKey.from_public_bytes(
            base64.b64decode(public_key, validate=True)
        )
        signed = base64.b64decode(signature, validate=True)
        key.verify(signed, f"{timestamp}|{body}".encode())
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return abs(time.time() - sent_at) <= MAX_AGE_S
