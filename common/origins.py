"""Origins of web pages, as a browser names them: scheme and host, a port if unusual.

Whoever takes an address from a person or from a browser reads it here, so that what was
typed once and what is sent later are compared in one form (RFC 6454). What an origin may
be used for is the reader's to decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import idna

MAX_LENGTH: Final = 200
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_USUAL: Final = {"http": 80, "https": 443}
_WRONG: Final = "Write an origin such as https://www.example.com, without a path."


@dataclass(frozen=True)
class Origin:
    """Where a page lies; `port` only where it is not the scheme's own."""

    scheme: str
    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is a number of the network, not a name."""
        return _is_ip(self.host)


def read_address(text: str) -> tuple[Origin, str]:
    """Return a page's origin and what follows it in the address, or raise ValueError.

    Names of other alphabets come back as the network writes them.
    """
    parts = urlsplit(text.strip().lower())
    port = parts.port
    host = _ascii((parts.hostname or "").removesuffix("."))
    if parts.scheme not in _USUAL or parts.username is not None or not _is_host(host):
        raise ValueError(_WRONG)
    if port == _USUAL[parts.scheme]:
        port = None
    return Origin(parts.scheme, host, port), parts.path + parts.query + parts.fragment


def read_origin(text: str) -> str:
    """Return an origin as browsers send it, or raise ValueError saying what to write."""
    try:
        origin, rest = read_address(text)
    except ValueError as error:
        raise ValueError(_WRONG) from error
    if rest not in ("", "/") or len(text) > MAX_LENGTH:
        raise ValueError(_WRONG)
    return str(origin)


def _is_host(host: str) -> bool:
    if _is_ip(host):
        return True
    labels = host.split(".")
    return (
        len(host) <= 253
        and not labels[-1].isdigit()
        and all(_LABEL.match(label) for label in labels)
    )


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return ""
