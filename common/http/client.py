"""One request to an address a customer names, in an event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from yarl import URL

from common.http.addresses import Network, check_url, may_reach, networks
from common.http.errors import AddressRefused, OutboundError

MAX_ANSWER_BYTES: Final = 1024 * 1024
_CONNECTIONS_PER_HOST: Final = 20
_KEPT_S: Final = 30
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEPS_METHOD: Final = frozenset({307, 308})
# Not sent on to a host that the customer did not name.
_PRIVATE_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})

_Sessions = dict[tuple[str, tuple[Network, ...]], aiohttp.ClientSession]
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sessions] = WeakKeyDictionary()


@dataclass(frozen=True)
class Request:
    """What to send, and the bounds: `timeout_s` from the name's lookup to the last byte."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 10
    max_answer_bytes: int = MAX_ANSWER_BYTES
    max_redirects: int = 0


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_ms: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


async def request(wanted: Request) -> Answer:
    """Send and return the answer, or raise `OutboundError` within `timeout_s`.

    A redirect is followed as often as wanted, each time with every check; else it is
    the answer.
    """
    started = time.monotonic()
    try:
        async with asyncio.timeout(wanted.timeout_s):
            status, headers, body = await _follow(wanted)
    except TimeoutError as error:
        raise OutboundError(
            f"No answer within {wanted.timeout_s:.2g} seconds.", kind="timeout"
        ) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _explained(error) from error
    elapsed_ms = round((time.monotonic() - started) * 1000)
    return Answer(status, headers, body, elapsed_ms)


async def close_sessions() -> None:
    """Close the connections of the running loop; the next request opens new ones."""
    for session in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await session.close()


def allowed_networks() -> tuple[Network, ...]:
    """Return the private networks that the operator allows."""
    return networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))


async def _follow(wanted: Request) -> tuple[int, dict[str, str], bytes]:
    allowed = allowed_networks()
    url, method, body = (
        check_url(wanted.url, allowed=allowed),
        wanted.method,
        wanted.body,
    )
    headers = {"Accept-Encoding": "identity", **wanted.headers}
    for redirects_left in range(wanted.max_redirects, -1, -1):
        session = _session(url.scheme, allowed)
        async with session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        ) as response:
            to = response.headers.get("Location")
            if response.status not in _REDIRECTS or not to or not redirects_left:
                content = await _read(response.content, wanted.max_answer_bytes)
                names = {name.lower(): text for name, text in response.headers.items()}
                return response.status, names, content
        target = check_url(str(url.join(URL(to))), allowed=allowed)
        if target.origin() != url.origin():
            headers = {
                name: text
                for name, text in headers.items()
                if name.lower() not in _PRIVATE_HEADERS
            }
        if response.status not in _KEEPS_METHOD:
            method, body = "GET", b""
        url = target
    raise AssertionError("the last round returns")


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes:
    data = bytearray()
    async for chunk in content.iter_chunked(65_536):
        data += chunk
        if len(data) > limit:
            raise OutboundError(
                f"The answer has more than {limit} bytes.", kind="too_large"
            )
    return bytes(data)


def _session(scheme: str, allowed: tuple[Network, ...]) -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    sessions = _sessions.setdefault(loop, {})
    key = (scheme, allowed)
    if key not in sessions:
        guard = _Guard(allowed, is_encrypted=scheme == "https")
        sessions[key] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=guard,
                socket_factory=guard.open_socket,
                use_dns_cache=False,
                limit=0,
                limit_per_host=_CONNECTIONS_PER_HOST,
                keepalive_timeout=_KEPT_S,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small body may not grow in our memory
            timeout=aiohttp.ClientTimeout(total=None),  # the whole request has one
            trust_env=False,
        )
    return sessions[key]


class _Guard(AbstractResolver):
    """Resolves names, and opens no socket to an address that may not be reached."""

    def __init__(self, allowed: tuple[Network, ...], *, is_encrypted: bool) -> None:
        self._allowed = allowed
        self._is_encrypted = is_encrypted

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=family,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _kind, proto, _name, address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def open_socket(self, info: Any) -> socket.socket:
        """Return a socket for an address that was resolved, or a literal one; or refuse."""
        family, kind, proto, _name, address = info
        if not may_reach(
            str(address[0]), allowed=self._allowed, is_encrypted=self._is_encrypted
        ):
            raise _RefusedAddress
        return socket.socket(family=family, type=kind, proto=proto)


class _RefusedAddress(OSError):
    """Lets the library try the next address, as for any that does not answer."""


def _explained(error: BaseException) -> OutboundError:
    """Return what a customer can act on; nothing about our own network."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OutboundError):
            return cause
        for kind, word, message in _EXPLANATIONS:
            if isinstance(cause, kind):
                return (
                    AddressRefused() if not word else OutboundError(message, kind=word)
                )
        cause = cause.__cause__
    return OutboundError("No connection could be made.", kind="connection")


_EXPLANATIONS: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (_RefusedAddress, "", ""),
    (ssl.SSLError, "tls", "Its certificate is not valid."),
    (socket.gaierror, "dns", "This name does not exist."),
    (aiohttp.ServerDisconnectedError, "closed", "The connection was closed too early."),
    (aiohttp.ClientPayloadError, "closed", "The connection was closed too early."),
    (aiohttp.ClientResponseError, "not_http", "The answer is not HTTP."),
)
