"""Talking to MCP servers that customers name: list their tools, use one.

The protocol is LiveKit's and the MCP SDK's; the addresses, the time and the sizes are
ours. A server may hang, lie, list five hundred tools or live in a private network: each
is an `McpFailed` whose message a customer can act on, within the time given.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import httpx2

from assistants.tool_shapes import MAX_ALLOWED_TOOLS
from common.http.errors import OutboundError
from common.http.streaming import GuardedTransport

if TYPE_CHECKING:
    from mcp.types import CallToolResult, Tool

logger = logging.getLogger(__name__)

CONNECT_LIMIT_S: Final = 5.0  # a caller listens to silence meanwhile
TEST_LIMIT_S: Final = 15.0
CLOSE_LIMIT_S: Final = 2.0
MAX_RESULT_CHARACTERS: Final = 8_000
MAX_SCHEMA_CHARACTERS: Final = 20_000
MAX_DESCRIPTION_CHARACTERS: Final = 2_000
_CALLABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class McpFailed(Exception):
    """The server cannot be used; the message is for the one who named it."""


@dataclass(frozen=True)
class Endpoint:
    """Where a server is and how to speak to it."""

    name: str
    url: str
    transport: str = "streamable_http"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 20.0


@dataclass(frozen=True)
class ListedTool:
    """A tool as its server describes it."""

    name: str
    description: str
    input_schema: dict[str, Any]


class Connection:
    """One session with a server. `aclose` always, also after a failed `open`."""

    def __init__(self, endpoint: Endpoint) -> None:
        # Imported here: a page that only names a server need not load the voice library.
        from assistants.mcp_session import GuardedServer

        self._endpoint = endpoint
        self._transport: _Noting | None = None
        self._server = GuardedServer(endpoint, self._http_client)

    def _http_client(self) -> httpx2.AsyncClient:
        self._transport = _Noting()
        return httpx2.AsyncClient(
            transport=self._transport,
            headers=dict(self._endpoint.headers),
            timeout=httpx2.Timeout(self._endpoint.timeout_s, connect=5.0),
            trust_env=False,
        )

    async def open(self, *, limit_s: float) -> list[ListedTool]:
        """Connect and return every tool the server lists."""
        try:
            async with asyncio.timeout(limit_s):
                await self._server.initialize()
                tools = await self._server.raw_tools()
        except TimeoutError as error:
            raise McpFailed(f"No answer within {limit_s:g} seconds.") from error
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # groups of whatever the protocol's tasks raised
            raise McpFailed(self._reason(error)) from error
        return [_listed(tool) for tool in tools]

    async def use(self, name: str, arguments: dict[str, Any]) -> str:
        """Use a tool and return what it says as text."""
        try:
            async with asyncio.timeout(self._endpoint.timeout_s):
                result = await self._server.use(name, arguments)
        except TimeoutError as error:
            raise McpFailed(
                f"No answer within {self._endpoint.timeout_s:g} seconds."
            ) from error
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # see `open`
            raise McpFailed(self._reason(error)) from error
        text = result_text(result)
        if result.is_error:
            raise McpFailed(text or "The tool failed.")
        return text

    def _reason(self, error: BaseException) -> str:
        noted = self._transport.trouble if self._transport else ""
        return noted or explained(error)

    async def aclose(self) -> None:
        """Say goodbye; a server that does not listen is left."""
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._server.aclose()
        except asyncio.CancelledError:
            raise
        except BaseException:  # nothing is owed to a server that failed
            logger.debug("MCP server left without a word", exc_info=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class _Noting(GuardedTransport):
    """Remembers what went wrong below the protocol, which tells it in vague words."""

    trouble = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.trouble = ""
        try:
            response = await super().handle_async_request(request)
        except OutboundError as error:
            self.trouble = str(error)
            raise httpx2.ConnectError(str(error)) from error
        status = response.status_code
        if status in (401, 403):
            self.trouble = f"The server refuses the headers (status {status})."
        elif status >= 400 and request.method == "POST":
            self.trouble = f"The server answered with status {status}."
        return response


def usable_tools(
    tools: Sequence[ListedTool], allowed: Sequence[str]
) -> list[ListedTool]:
    """Return the tools an assistant gets: those allowed, or all of a short list.

    Raises `McpFailed` when there are too many to give to a model, or when one that was
    chosen is gone.
    """
    fit = [tool for tool in tools if _CALLABLE.fullmatch(tool.name)]
    if not allowed:
        if len(fit) > MAX_ALLOWED_TOOLS:
            raise McpFailed(
                f"The server lists {len(fit)} tools. Choose at most "
                f"{MAX_ALLOWED_TOOLS} of them in the assistant."
            )
        return fit
    by_name = {tool.name: tool for tool in fit}
    if missing := [name for name in allowed if name not in by_name]:
        raise McpFailed(f"The server has no tool called {missing[0]}.")
    return [by_name[name] for name in allowed]


def list_tools(endpoint: Endpoint) -> tuple[list[ListedTool], int]:
    """Connect from a thread without a loop; return the tools and the milliseconds."""

    async def look() -> list[ListedTool]:
        async with Connection(endpoint) as connection:
            return await connection.open(limit_s=min(endpoint.timeout_s, TEST_LIMIT_S))

    started = time.monotonic()
    tools = asyncio.run(look())
    return tools, round((time.monotonic() - started) * 1000)


def _listed(tool: Tool) -> ListedTool:
    schema = dict(tool.input_schema or {})
    if len(json.dumps(schema)) > MAX_SCHEMA_CHARACTERS:
        schema = {"type": "object"}
    description = (tool.description or "")[:MAX_DESCRIPTION_CHARACTERS]
    return ListedTool(tool.name, description, schema)


def result_text(result: CallToolResult) -> str:
    """What a tool says, as one text that a model can take."""
    parts = [
        str(text)
        for part in result.content
        if (text := getattr(part, "text", None)) is not None
    ]
    if not parts and result.structured_content:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(parts)
    if len(text) > MAX_RESULT_CHARACTERS:
        return text[:MAX_RESULT_CHARACTERS] + " … (cut)"
    return text


def explained(error: BaseException) -> str:
    """Return what a customer can act on, found in whatever was raised around it."""
    for one in _flat(error):
        for kind, message in _MEANINGS:
            if isinstance(one, kind):
                return message
        if type(one).__name__ == "MCPError":  # the SDK is loaded only to talk
            return f"The server says: {str(one)[:200]}"
    return "The server does not speak MCP as expected."


_MEANINGS: Final = (
    (httpx2.TimeoutException, "The server does not answer."),
    (httpx2.TransportError, "No connection could be made."),
)


def _flat(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < 50:
        one = waiting.pop(0)
        if one is None or one in found:
            continue
        found.append(one)
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        waiting += [one.__cause__, one.__context__]
    return found
