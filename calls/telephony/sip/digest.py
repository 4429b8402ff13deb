"""Digest authentication, RFC 7616 and 8760: challenges read, answers computed. Pure.

MD5 and SHA-256, with and without `-sess`, `qop` auth, auth-int or none (RFC 2069). Of
several challenges the strongest that can be answered is taken. `sipmessage` cannot read
a quoted list such as `qop="auth,auth-int"`, and its pattern takes exponential time on
hostile values, so challenges are read here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

_PARAMETER = re.compile(
    r'\s*([A-Za-z0-9_\-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,"\s]*))'
)
_HASHES: Final[dict[str, Callable[[bytes], Any]]] = {
    # The protocol's, not ours to choose; a trunk that offers SHA-256 gets it.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
_STRENGTH: Final = ("MD5", "SHA-256")


class CannotAnswer(ValueError):
    """No challenge that we know how to answer."""


@dataclass(frozen=True)
class Challenge:
    """What a server wants to have proved."""

    realm: str
    nonce: str
    algorithm: str = "MD5"  # as it was sent, `-sess` included
    qop: str | None = None
    opaque: str | None = None
    is_stale: bool = False

    @property
    def hash_name(self) -> str:
        return self.algorithm.upper().removesuffix("-SESS")


def read_challenge(value: str) -> Challenge | None:
    """Return one challenge, or None for one that cannot be answered."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(rest[:4_096]):
        text = match[2] if match[2] is not None else match[3]
        found.setdefault(match[1].lower(), re.sub(r"\\(.)", r"\1", text))
    algorithm = found.get("algorithm", "MD5")
    if "nonce" not in found or "realm" not in found:
        return None
    if algorithm.upper().removesuffix("-SESS") not in _HASHES:
        return None
    offered = [part.strip().lower() for part in found.get("qop", "").split(",")]
    qop = next((known for known in ("auth", "auth-int") if known in offered), None)
    if found.get("qop") and qop is None:
        return None
    return Challenge(
        realm=found["realm"],
        nonce=found["nonce"],
        algorithm=algorithm,
        qop=qop,
        opaque=found.get("opaque"),
        is_stale=found.get("stale", "").lower() == "true",
    )


def best_challenge(values: Iterable[str]) -> Challenge:
    """Return the strongest challenge that can be answered; or raise `CannotAnswer`."""
    known = [c for value in values if (c := read_challenge(value)) is not None]
    if not known:
        raise CannotAnswer("No digest challenge that can be answered.")
    return max(known, key=lambda challenge: _STRENGTH.index(challenge.hash_name))


@dataclass(frozen=True)
class Credentials:
    """A user at a trunk."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


def answer(
    challenge: Challenge,
    credentials: Credentials,
    *,
    method: str,
    uri: str,
    body: bytes = b"",
    cnonce: str = "",
    count: int = 1,
) -> str:
    """Return the value of an Authorization header.

    `count` is how often this nonce was used, this time included; `cnonce` is ours.
    """

    def hashed(*parts: str) -> str:
        data = ":".join(parts).encode("latin-1", "replace")
        return str(_HASHES[challenge.hash_name](data).hexdigest())

    username = credentials.username.encode().decode("latin-1")
    password = credentials.password.encode().decode("latin-1")
    secret = hashed(username, challenge.realm, password)
    if challenge.algorithm.upper().endswith("-SESS"):
        secret = hashed(secret, challenge.nonce, cnonce)
    what = [method, uri]
    if challenge.qop == "auth-int":
        what.append(str(_HASHES[challenge.hash_name](body).hexdigest()))
    fields = [
        ("username", _quoted(username)),
        ("realm", _quoted(challenge.realm)),
        ("nonce", _quoted(challenge.nonce)),
        ("uri", _quoted(uri)),
    ]
    if challenge.qop is None:
        response = hashed(secret, challenge.nonce, hashed(*what))
    else:
        nc = f"{count:08x}"
        response = hashed(
            secret, challenge.nonce, nc, cnonce, challenge.qop, hashed(*what)
        )
        fields += [("qop", challenge.qop), ("nc", nc)]
    if cnonce and (challenge.qop or challenge.algorithm.upper().endswith("-SESS")):
        fields.append(("cnonce", _quoted(cnonce)))
    fields.append(("response", _quoted(response)))
    fields.append(("algorithm", challenge.algorithm))
    if challenge.opaque is not None:
        fields.append(("opaque", _quoted(challenge.opaque)))
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
