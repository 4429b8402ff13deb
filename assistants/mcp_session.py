"""LiveKit's MCP server with our HTTP client in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
from livekit.agents.llm.mcp import MCPServerHTTP
from mcp.types import CallToolResult, Tool

from assistants.mcp_client import Endpoint


class GuardedServer(MCPServerHTTP):
    """Reaches only what customers may name; gives tools and results as the server does."""

    def __init__(
        self, endpoint: Endpoint, http_client: Callable[[], httpx2.AsyncClient]
    ) -> None:
        super().__init__(
            endpoint.url,
            transport_type="sse" if endpoint.transport == "sse" else "streamable_http",
            headers=dict(endpoint.headers),
            timeout=5,
            client_session_timeout_seconds=endpoint.timeout_s,
        )
        self._new_client = http_client

    def _create_http_client(self, *_: Any, **__: Any) -> httpx2.AsyncClient:
        self._http_client = self._new_client()
        return self._http_client

    async def raw_tools(self) -> list[Tool]:
        return await self._list_raw_tools()

    async def use(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        return await self._call_tool(name, arguments)
