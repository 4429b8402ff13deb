"""Secrets at rest: AES-256-GCM under a ring of named keys.

A sealed value is `<key id>.<base64 of nonce and ciphertext>`. It is bound to the place
it was sealed for (its context: table, column and owner), so a value moved to another
row or organization does not open. The first key of a ring seals; all of them open.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID: Final = re.compile(r"[a-z0-9]{1,8}")


class SealBroken(ValueError):
    """A sealed value does not open: wrong key, other place, or changed bytes."""


@dataclass(frozen=True, repr=False)
class KeyRing:
    """Named keys, the first of which seals. Never shown, not even in a traceback."""

    keys: tuple[tuple[str, AESGCM], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `k2:<base64>,k1:<base64>`; `ValueError` says what is wrong with it."""
        keys: dict[str, AESGCM] = {}
        for number, part in enumerate(text.split(","), start=1):
            key_id, _, encoded = part.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as error:
                raise ValueError(f"Key {number} is not base64.") from error
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError(
                    f"Key {number} needs a name of 1 to 8 lower-case letters and digits."
                )
            if len(key) != KEY_BYTES:
                raise ValueError(f"Key {number} has {len(key)} bytes, not {KEY_BYTES}.")
            if key_id in keys:
                raise ValueError(f"Two keys are called {key_id}.")
            keys[key_id] = AESGCM(key)
        return cls(tuple(keys.items()))

    @property
    def primary(self) -> str:
        """The name of the key that seals."""
        return self.keys[0][0]

    def seal(self, plain: str, context: str) -> str:
        """Return `plain` sealed for the place that `context` names."""
        key_id, key = self.keys[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, plain.encode(), context.encode())
        return f"{key_id}.{base64.b64encode(sealed).decode()}"

    def unseal(self, sealed: str, context: str) -> str:
        """Return what was sealed for this very place, or raise `SealBroken`."""
        key_id, _, encoded = sealed.partition(".")
        key = dict(self.keys).get(key_id)
        if key is None:
            raise SealBroken(f"Sealed with the key {key_id!r}, which is not at hand.")
        try:
            data = base64.b64decode(encoded, validate=True)
            plain = key.decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode()
            )
        except (binascii.Error, InvalidTag, ValueError) as error:
            raise SealBroken("The sealed value does not belong here.") from error
        return plain.decode()

    def is_current(self, sealed: str) -> bool:
        """Whether the key that seals today sealed it."""
        return sealed.partition(".")[0] == self.primary


def new_key(key_id: str) -> str:
    """Return a fresh key in the form that `KeyRing.parse` reads."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
