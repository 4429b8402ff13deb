"""MCP servers: real ones are used, bad ones are told apart, and none is waited for long."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from assistants.mcp_client import (
    Connection,
    Endpoint,
    ListedTool,
    McpFailed,
    list_tools,
    usable_tools,
)
from tests.fakes.mcp_server import mcp_server, serving

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def this_machine_is_allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ("127.0.0.0/8",)


def in_session(
    url: str,
    work: Callable[[Connection], Awaitable[Any]],
    **options: Any,
) -> Any:
    async def run() -> Any:
        async with Connection(Endpoint("weather", url, **options)) as connection:
            await connection.open(limit_s=5)
            return await work(connection)

    return asyncio.run(run())


@pytest.mark.parametrize("transport", ["streamable_http", "sse"])
def test_tools_are_listed_and_used_over_either_transport(transport: str):
    with mcp_server(transport=transport) as url:
        tools, duration_ms = list_tools(Endpoint("weather", url, transport))
        said = in_session(
            url, lambda c: c.use("weather", {"city": "Utrecht"}), transport=transport
        )
    assert [tool.name for tool in tools] == ["weather", "broken", "slow"]
    assert tools[0].description == "The weather in a city."
    assert tools[0].input_schema["properties"]["city"]["type"] == "string"
    assert duration_ms > 0
    assert said == "It is sunny in Utrecht."


def test_failing_tool_says_why():
    with mcp_server() as url, pytest.raises(McpFailed, match="instrument is broken"):
        in_session(url, lambda c: c.use("broken", {}))


def test_tool_that_hangs_is_given_up():
    started = time.monotonic()
    with mcp_server() as url, pytest.raises(McpFailed, match="within 1 seconds"):
        in_session(url, lambda c: c.use("slow", {}), timeout_s=1)
    assert time.monotonic() - started < 8


def test_headers_are_sent_and_their_refusal_is_told():
    with mcp_server(token="t0ken") as url:
        headers = {"Authorization": "Bearer t0ken"}
        tools, _ms = list_tools(Endpoint("weather", url, headers=headers))
        assert len(tools) == 3
        with pytest.raises(McpFailed, match="refuses the headers"):
            list_tools(Endpoint("weather", url))


def test_private_network_is_refused(settings: Any):
    settings.OUTBOUND_ALLOWED_NETWORKS = ()
    with mcp_server() as url:
        for address in (url, url.replace("http:", "https:"), "https://10.0.0.1/mcp"):
            with pytest.raises(McpFailed, match=r"public network|https"):
                list_tools(Endpoint("weather", address))


def test_name_of_a_private_network_is_refused_at_the_socket(settings: Any):
    settings.OUTBOUND_ALLOWED_NETWORKS = ("10.0.0.0/8",)
    with pytest.raises(McpFailed, match="public network"):
        list_tools(Endpoint("weather", f"https://{socket.gethostname()}:1/mcp"))


def test_server_that_hangs_is_given_up_in_time():
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
        await asyncio.sleep(60)

    started = time.monotonic()
    with serving(silent) as url, pytest.raises(McpFailed, match="within 1 seconds"):
        list_tools(Endpoint("hangs", f"{url}/mcp", timeout_s=1))
    assert time.monotonic() - started < 15


def test_server_that_is_away_is_told():
    with pytest.raises(McpFailed, match="No connection"):
        list_tools(Endpoint("away", "http://127.0.0.1:1/mcp"))


def test_page_that_is_no_mcp_server_is_told():
    async def page(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            return
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<p>Hello</p>"})

    with serving(page) as url, pytest.raises(McpFailed):
        list_tools(Endpoint("page", f"{url}/mcp", timeout_s=3))


def test_five_hundred_tools_want_a_choice():
    with mcp_server(tools=500) as url:
        tools, _ms = list_tools(Endpoint("many", url))
    assert len(tools) == 503
    with pytest.raises(McpFailed, match="lists 503 tools"):
        usable_tools(tools, [])
    assert [tool.name for tool in usable_tools(tools, ["tool_7"])] == ["tool_7"]
    with pytest.raises(McpFailed, match="no tool called gone"):
        usable_tools(tools, ["weather", "gone"])


def test_tool_whose_name_no_model_takes_is_left_out():
    odd = ListedTool("look up!", "", {})
    assert usable_tools([odd], []) == []
