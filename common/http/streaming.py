"""The same guard for libraries that bring an HTTP client of their own.

MCP clients and vendors' SDKs stream over `httpx2`. Given this transport they reach what
`request` would reach and nothing else: the address is checked on every request, and what
the name resolves to on every connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import certifi
import httpcore2
import httpx2

from common.http.addresses import Network, check_url, may_reach
from common.http.client import allowed_networks
from common.http.errors import AddressRefused, OutboundError

MAX_STREAM_BYTES: Final = 16 * 1024 * 1024


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends only to public addresses, or those the operator allows."""

    def __init__(
        self,
        *,
        max_answer_bytes: int = MAX_STREAM_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limit = max_answer_bytes
        self._allowed = allowed_networks()
        tls = tls or ssl.create_default_context(cafile=certifi.where())
        self._inner = {
            scheme: _transport(self._allowed, tls, is_encrypted=scheme == "https")
            for scheme in ("https", "http")
        }

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; raises `OutboundError` for an address that is refused."""
        url = check_url(str(request.url), allowed=self._allowed)
        response = await self._inner[url.scheme].handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, self._limit)
        return response

    async def aclose(self) -> None:
        for transport in self._inner.values():
            await transport.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """Stops a stream that has no end."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int) -> None:
        self._stream, self._limit = stream, limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise OutboundError(
                    f"The answer has more than {self._limit} bytes.", kind="too_large"
                )
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to what a name resolves to, if we may reach it; checked at that moment."""

    def __init__(self, allowed: tuple[Network, ...], *, is_encrypted: bool) -> None:
        self._allowed, self._is_encrypted = allowed, is_encrypted
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
        except socket.gaierror as error:
            raise OutboundError("This name does not exist.", kind="dns") from error
        literals = dict.fromkeys(str(address[0]) for *_, address in found)
        usable = [
            literal
            for literal in literals
            if may_reach(
                literal, allowed=self._allowed, is_encrypted=self._is_encrypted
            )
        ]
        if not usable:
            raise AddressRefused
        for literal in usable[:-1]:
            try:
                return await self._connect(literal, port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._connect(usable[-1], port, timeout)

    async def _connect(
        self, literal: str, port: int, limit_s: float | None
    ) -> httpcore2.AsyncNetworkStream:
        return await self._inner.connect_tcp(literal, port, timeout=limit_s)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _transport(
    allowed: tuple[Network, ...], tls: ssl.SSLContext, *, is_encrypted: bool
) -> httpx2.AsyncHTTPTransport:
    transport = httpx2.AsyncHTTPTransport(verify=tls, trust_env=False)
    # The transport takes no backend, and the pool is all it adds to one.
    transport._pool = httpcore2.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=20,
        keepalive_expiry=30,
        network_backend=_GuardedBackend(allowed, is_encrypted=is_encrypted),
    )
    return transport
