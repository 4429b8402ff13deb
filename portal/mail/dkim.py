"""Signing a mail for its domain (RFC 6376: rsa-sha256, relaxed/relaxed)."""

from __future__ import annotations

import base64
import hashlib
import re
from email.message import Message
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SIGNED: Final = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "mime-version"),
    *("content-type", "auto-submitted"),
)


def new_key() -> tuple[str, str]:
    """Return a new private key as PEM, and its public half as DNS publishes it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def sign(message: Message, *, domain: str, selector: str, pem: str) -> None:
    """Add a `DKIM-Signature` to a message; nothing else of it changes."""
    raw = message.as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own
    _head, _blank, body = raw.partition(b"\r\n\r\n")
    names = [name for name in _SIGNED if message[name] is not None]
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
    unsigned = (
        f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector}; "
        f"h={':'.join(names)}; bh={body_hash}; b="
    )
    headers = headers_of(raw)
    signed = b"".join(relaxed_header(name, headers[name]) + b"\r\n" for name in names)
    signed += relaxed_header("dkim-signature", unsigned.encode())
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    message["DKIM-Signature"] = unsigned + base64.b64encode(signature).decode()


def headers_of(raw: bytes) -> dict[str, bytes]:
    """Return the raw header values of a message by lower-case name; the last one counts."""
    head = raw.partition(b"\r\n\r\n")[0]
    found: dict[str, bytes] = {}
    for line in re.split(rb"\r\n(?![ \t])", head):
        name, _colon, value = line.partition(b":")
        found[name.decode("ascii", "replace").strip().lower()] = value
    return found


def relaxed_header(name: str, value: bytes) -> bytes:
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", value)
    return name.encode() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip()


def relaxed_body(body: bytes) -> bytes:
    lines = [
        re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")
    ]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
