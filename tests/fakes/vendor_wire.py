"""What the three vendor servers share: scripted faults, a port, and a way to run them.

A server is an async context manager that listens on 127.0.0.1 while it is open. Each
request takes the next `Fault` of `faults`, if there is one; without, it answers well,
after the waits it was given. They do almost no work, so that they may stand in for
vendors in benchmarks.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from aiohttp import web


class Kind(StrEnum):
    STATUS = "status"  # answer with `status` before anything else
    HANG = "hang"  # take the request and never answer
    TRUNCATE = "truncate"  # break the connection in the middle of the answer
    MALFORMED = "malformed"  # send something that is no JSON


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, for one request."""

    kind: Kind
    status: int = 500
    retry_after_s: int | None = None
    code: str = ""


BAD_KEY = Fault(Kind.STATUS, 401, code="invalid_api_key")
RATE_LIMITED = Fault(Kind.STATUS, 429, retry_after_s=7, code="rate_limit_exceeded")
NO_QUOTA = Fault(Kind.STATUS, 429, code="insufficient_quota")
BROKEN = Fault(Kind.STATUS, 500)
HANG = Fault(Kind.HANG)
TRUNCATE = Fault(Kind.TRUNCATE)
MALFORMED = Fault(Kind.MALFORMED)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class VendorServer:
    """The base of the three. `requests` keeps what was asked, for tests to look at."""

    faults: list[Fault] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    tls: ssl.SSLContext | None = None
    _runner: web.AppRunner | None = None
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    def add_routes(self, app: web.Application) -> None:
        raise NotImplementedError

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        app = web.Application()
        self.add_routes(app)
        await self.listen(app, host, port)
        return self

    async def listen(self, app: web.Application, host: str, port: int) -> None:
        """Serve `app`, which may hold the routes of several servers."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=self.tls)
        await site.start()
        address = self._runner.addresses[0]
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://{address[0]}:{address[1]}"

    async def stop(self) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    def next_fault(self) -> Fault | None:
        return self.faults.pop(0) if self.faults else None

    async def refuse(self, fault: Fault | None) -> web.Response | None:
        """The answer of a fault that comes first; None when there is none."""
        if fault is None:
            return None
        if fault.kind == Kind.HANG:
            await self._closing.wait()
            return web.Response(status=503)
        if fault.kind == Kind.STATUS:
            headers = {}
            if fault.retry_after_s is not None:
                headers["Retry-After"] = str(fault.retry_after_s)
            body = self.error_body(fault)
            return web.json_response(body, status=fault.status, headers=headers)
        return None

    def error_body(self, fault: Fault) -> dict[str, Any]:
        raise NotImplementedError


def break_off(request: web.Request) -> None:
    """Cut the connection without a goodbye."""
    if request.transport is not None:
        request.transport.abort()
