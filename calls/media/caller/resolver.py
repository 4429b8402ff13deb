"""Names under `.localhost` are this machine, as browsers have it (RFC 6761)."""

from __future__ import annotations

import socket

from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver


class LocalhostResolver(ThreadedResolver):
    """The system's resolver, which may not know `acme.localhost`; this one does."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        if host.endswith(".localhost"):
            host = "localhost"
        return await super().resolve(host, port, family)
