"""The MCP servers of one call: connected while it rings, closed with it.

A required server that cannot be used refuses the call; an optional one is left out, and
the call page says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from assistants.mcp_client import (
    CONNECT_LIMIT_S,
    Connection,
    ListedTool,
    McpFailed,
    usable_tools,
)
from calls.services.equipment import McpSource
from calls.session.ports import ForeignTool, ToolFailed

logger = logging.getLogger(__name__)

DELETED: Final = "The MCP server was deleted."


class ToolServerAway(Exception):
    """A required server cannot be used; the message is for the assistant's owner."""


class McpTools:
    """`open` once, before the conversation; `aclose` always."""

    def __init__(self, sources: Sequence[McpSource]) -> None:
        self._sources = sources
        self._connections: list[Connection] = []
        self._opening: asyncio.Task[list[ForeignTool]] | None = None
        self.left_out: list[tuple[str, str]] = []  # server and reason

    def begin(self) -> None:
        """Connect while the caller's audio does."""
        if self._sources and self._opening is None:
            self._opening = asyncio.create_task(self._open_all(), name="mcp")

    async def tools(self) -> list[ForeignTool]:
        """Return every server's tools, or raise `ToolServerAway` for a required one."""
        self.begin()
        return await self._opening if self._opening is not None else []

    async def aclose(self) -> None:
        """Close every connection, also those of a call that never began."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        connections, self._connections = self._connections, []
        await asyncio.gather(*(one.aclose() for one in connections))

    async def _open_all(self) -> list[ForeignTool]:
        results = await asyncio.gather(
            *(self._open(source) for source in self._sources), return_exceptions=True
        )
        tools: list[ForeignTool] = []
        for source, result in zip(self._sources, results, strict=True):
            name = source.endpoint.name if source.endpoint else "?"
            if isinstance(result, McpFailed):
                logger.info("MCP server away", extra={"reason": str(result)})
                if source.is_required:
                    raise ToolServerAway(f"MCP server “{name}”: {result}")
                self.left_out.append((name, str(result)))
            elif isinstance(result, BaseException):
                raise result
            else:
                tools += result
        return tools

    async def _open(self, source: McpSource) -> list[ForeignTool]:
        if source.endpoint is None:
            raise McpFailed(DELETED)
        endpoint = source.endpoint
        connection = Connection(endpoint)
        self._connections.append(connection)
        limit_s = min(endpoint.timeout_s, CONNECT_LIMIT_S)
        listed = await connection.open(limit_s=limit_s)
        return [
            _foreign(connection, endpoint.name, endpoint.timeout_s, tool)
            for tool in usable_tools(listed, source.allowed_tools)
        ]


def _foreign(
    connection: Connection, server: str, limit_s: float, tool: ListedTool
) -> ForeignTool:
    async def run(arguments: dict[str, Any]) -> str:
        try:
            return await connection.use(tool.name, arguments)
        except McpFailed as error:
            raise ToolFailed(str(error)) from error

    return ForeignTool(
        name=tool.name,
        description=tool.description,
        parameters=tool.input_schema,
        run=run,
        source=server,
        limit_s=limit_s,
    )
