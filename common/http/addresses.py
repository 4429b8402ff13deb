"""Which addresses of the internet a customer may send us to."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES
from yarl import URL

from common.http.errors import AddressRefused, BadUrl

MAX_URL_CHARACTERS: Final = 2_000
# All that is handed out to hosts; everything else in IPv6 is special in some way.
_GLOBAL_UNICAST: Final = ip_network("2000::/3")
# Beside what Python knows: shared, benchmark, translation and tunnel ranges.
_SPECIAL: Final = (*EXTRA_BLOCKED_NET_RANGES, ip_network("2001::/23"))

Network = IPv4Network | IPv6Network


def host_of(url: str) -> str:
    """Return the host an address names, in lower case; empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(maxsize=8)
def networks(words: tuple[str, ...]) -> tuple[Network, ...]:
    """Return an operator's allow-list as networks; raise `ValueError` for nonsense."""
    return tuple(ip_network(word) for word in words)


def is_public(text: str) -> bool:
    """Whether this literal address belongs to a host of the public internet.

    An IPv6 address that carries an IPv4 one is the IPv4 one; one that is translated or
    tunnelled to IPv4 elsewhere is never public.
    """
    address = _parsed(text)
    if address.is_multicast or not address.is_global or address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in special for special in _SPECIAL)


def may_reach(text: str, *, allowed: Iterable[Network], is_encrypted: bool) -> bool:
    """Whether we may connect to this literal address; in the clear only if allowed."""
    address = _parsed(text)
    if any(address in network for network in allowed):
        return True
    return is_encrypted and is_public(text)


def check_url(text: str, *, allowed: Iterable[Network] = ()) -> URL:
    """Return an address a customer entered, or raise `BadUrl` or `AddressRefused`.

    Names are not looked up: what they resolve to is checked whenever we connect.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise BadUrl(f"An address has at most {MAX_URL_CHARACTERS} characters.")
    if any(letter <= " " or letter == "\x7f" for letter in text):
        raise BadUrl("An address holds no spaces or control characters.")
    try:
        url = URL(text)
        port = url.port
    except ValueError as error:
        raise BadUrl("This is not an address.") from error
    if url.scheme not in ("https", "http") or not url.host or not port:
        raise BadUrl("Enter an address that starts with https://")
    if url.user is not None or url.password is not None:
        raise BadUrl("An address may hold no user name or password.")
    allowed = tuple(allowed)
    if url.scheme == "http" and not allowed:
        raise BadUrl("Enter an address that starts with https://")
    literal = _literal(url.host)
    if literal and not may_reach(
        literal, allowed=allowed, is_encrypted=url.scheme == "https"
    ):
        raise AddressRefused
    if not literal and url.host.rstrip(".").endswith(("localhost", ".local")):
        _check_local_name(allowed)
    return url


def _check_local_name(allowed: tuple[Network, ...]) -> None:
    loopback = ip_address("127.0.0.1")
    if not any(loopback in network for network in allowed):
        raise AddressRefused


def _literal(host: str) -> str:
    """Return the address that a host is, also in decimal, octal or hex; else ``""``."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except (OSError, UnicodeError):
        return ""


def _parsed(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
