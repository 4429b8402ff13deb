"""A real MCP server on this machine: the SDK's own, with a few tools."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


def make_server(*, tools: int = 0) -> MCPServer:
    """The weather, a tool that fails and one that hangs; `tools` more beside them."""
    server = MCPServer("weather", log_level="ERROR")

    @server.tool(description="The weather in a city.")
    def weather(city: str) -> str:
        return f"It is sunny in {city}."

    @server.tool(description="Fails.")
    def broken() -> str:
        raise ToolError("the instrument is broken")

    @server.tool(description="Takes its time.")
    async def slow() -> str:
        await asyncio.sleep(30)
        return "done"

    def nothing() -> str:
        return "nothing"

    for number in range(tools):
        server.add_tool(nothing, name=f"tool_{number}", description="Nothing.")
    return server


class _WithToken:
    """Lets only requests with the header in."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = Request(scope).headers.get("authorization")
            if given != f"Bearer {self.token}":
                answer: Response = JSONResponse({"error": "no"}, status_code=401)
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an ASGI app from a thread; yield its address."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_level="critical", ws="none", lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    [socket, *_rest] = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(timeout=10)


@contextmanager
def mcp_server(
    *, tools: int = 0, token: str = "", transport: str = "streamable_http"
) -> Iterator[str]:
    """Serve the tools; yield the address of the endpoint."""
    server = make_server(tools=tools)
    app: Any = server.sse_app() if transport == "sse" else server.streamable_http_app()
    if token:
        app = _WithToken(app, token)
    with serving(app) as url:
        yield url + ("/sse" if transport == "sse" else "/mcp")
