"""The tools an assistant may have, in the shapes people send and in the one that is kept.

    {"name", "description", "parameters", "url", "async", "message"}    flat
    {"type": "function", "function": {…}, "server": {"url", "secret"}}  kept
    {"type": "end_call"}                                                also `endCall`
    {"type": "transfer_call", "destinations": […]}                      also `transferCall`
    {"type": "mcp", "mcp_server_id", "allowed_tools", "required"}

A flat one becomes a kept one as it is read; `url` beats `server.url`, and
`async_response` is the older name of `message`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    model_validator,
)

from assistants.part import Part

MAX_TOOLS: Final = 50
MAX_DESTINATIONS: Final = 20
MAX_ALLOWED_TOOLS: Final = 25
MAX_SCHEMA_CHARACTERS: Final = 20_000
NAME_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
END_CALL: Final = "end_call"
TRANSFER_CALL: Final = "transfer_call"

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_SIP_URI: Final = re.compile(r"sips?:[^\s<>\"]+", re.IGNORECASE)
_OLDER_TYPES: Final = {"endCall": END_CALL, "transferCall": TRANSFER_CALL}
_OF_FUNCTION: Final = ("name", "description", "parameters")


def checked_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema of an object that refers to nothing outside itself."""
    if not schema:
        return schema
    if schema.get("type") != "object":
        raise ValueError('Give a JSON Schema whose "type" is "object".')
    try:
        text = json.dumps(schema, allow_nan=False)
        if len(text) > MAX_SCHEMA_CHARACTERS:
            raise ValueError(
                f"The schema may have {MAX_SCHEMA_CHARACTERS} characters as JSON."
            )
        if "\\u0000" in text:  # PostgreSQL keeps no such character
            raise ValueError("The schema has a character that cannot be kept.")
        Draft202012Validator.check_schema(schema)
    except RecursionError as error:
        raise ValueError("The schema is nested too deeply.") from error
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "the schema"
        raise ValueError(
            f"This is no JSON Schema: {where}: {error.message[:200]}"
        ) from error
    if _refers_outside(schema):
        raise ValueError('A "$ref" may only point into the schema itself.')
    return schema


def _refers_outside(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(
            (key in ("$ref", "$dynamicRef") and not str(inner).startswith("#"))
            or _refers_outside(inner)
            for key, inner in value.items()
        )
    return isinstance(value, list) and any(_refers_outside(item) for item in value)


def checked_url(url: str) -> str:
    """Return the address of a webhook; where it leads is checked when it is called."""
    if not re.match(r"https?://[^\s/?#]+", url, re.IGNORECASE):
        raise ValueError("Give an address that starts with https:// or http://.")
    return url


ObjectSchema = Annotated[dict[str, Any], AfterValidator(checked_schema)]
WebAddress = Annotated[str, Field(max_length=2_000), AfterValidator(checked_url)]


class EndCallTool(Part):
    """Lets the model end the call."""

    type: Literal["end_call"] = "end_call"

    @property
    def name(self) -> str:
        return END_CALL


class FunctionDefinition(Part):
    """What the model is told of a function."""

    name: str = Field(pattern=NAME_PATTERN)
    description: str = Field(default="", max_length=2_000)
    parameters: ObjectSchema = Field(default_factory=dict)


class FunctionServer(Part):
    """Where a function runs. Without a URL, the assistant's or organization's is used."""

    url: WebAddress | None = None
    secret: str | None = Field(default=None, max_length=1_000)


class FunctionTool(Part):
    """A function the assistant calls over a webhook."""

    type: Literal["function"] = "function"
    function: FunctionDefinition
    server: FunctionServer = FunctionServer()
    run_async: bool = Field(default=False, alias="async")
    message: str | None = Field(default=None, max_length=300)

    @property
    def name(self) -> str:
        return self.function.name


class Destination(Part):
    """Somebody a call may be handed to."""

    type: Literal["number", "sip"] = "number"
    number: str = Field(max_length=200)
    description: str = Field(default="", max_length=500)
    message: str | None = Field(default=None, max_length=300)
    # warm: whoever answers is told who comes, and presses 1 to take the call.
    mode: Literal["blind", "warm"] = "blind"

    @model_validator(mode="after")
    def _is_reachable(self) -> Destination:
        if self.type == "number" and not _E164.fullmatch(self.number):
            raise ValueError("Give the number in full, such as +31201234567.")
        if self.type == "sip" and not _SIP_URI.fullmatch(self.number):
            raise ValueError("Give a SIP address, such as sip:desk@example.com.")
        return self


class TransferCallTool(Part):
    """Lets the model hand the call to one of these."""

    type: Literal["transfer_call"] = "transfer_call"
    destinations: tuple[Destination, ...] = Field(
        min_length=1, max_length=MAX_DESTINATIONS
    )

    @property
    def name(self) -> str:
        return TRANSFER_CALL


class McpTool(Part):
    """The tools of an MCP server; `required`: no call without it."""

    type: Literal["mcp"] = "mcp"
    mcp_server_id: UUID
    allowed_tools: tuple[Annotated[str, Field(min_length=1, max_length=128)], ...] = (
        Field(default=(), max_length=MAX_ALLOWED_TOOLS)
    )
    required: bool = True

    @property
    def name(self) -> None:
        """None: its tools have names, and the server tells them."""
        return


def normalised(value: Any) -> Any:
    """Return a tool in the kept shape; what is no tool passes through, to be refused."""
    if not isinstance(value, Mapping):
        return value
    tool = {k: v for k, v in value.items() if v is not None}
    kind = tool.get("type", "function")
    kind = _OLDER_TYPES.get(kind, kind) if isinstance(kind, str) else kind
    tool["type"] = kind
    if kind == TRANSFER_CALL:
        return tool | _destinations(tool.get("destinations"))
    if kind == "mcp":
        return tool | _server_and_names(tool)
    if kind != "function":
        return tool
    if "function" not in tool:
        tool["function"] = {k: tool.pop(k) for k in _OF_FUNCTION if k in tool}
    server = tool.get("server", {})
    if "url" in tool and isinstance(server, Mapping):
        tool["server"] = {**server, "url": tool.pop("url")}
    if "secret" in tool and isinstance(server, Mapping):
        tool["server"] = {**tool.get("server", {}), "secret": tool.pop("secret")}
    if (older := tool.pop("async_response", None)) is not None:
        tool.setdefault("message", older)
    if "run_async" in tool:
        tool.setdefault("async", tool.pop("run_async"))
    return tool


def _destinations(given: Any) -> dict[str, Any]:
    """A SIP address may come in a field of its own, or as a number."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return {}
    found = []
    for one in given:
        if isinstance(one, Mapping):
            one = dict(one)
            if "uri" in one:
                one["number"] = one.pop("uri")
            number = one.get("number")
            if isinstance(number, str) and number.lower().startswith(("sip:", "sips:")):
                one["type"] = "sip"
        found.append(one)
    return {"destinations": tuple(found)}


def _server_and_names(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A strict reader of JSON sees what comes from here as Python's, so it gets Python's."""
    found: dict[str, Any] = {}
    if isinstance(names := tool.get("allowed_tools"), list):
        found["allowed_tools"] = tuple(names)
    if isinstance(server_id := tool.get("mcp_server_id"), str):
        with suppress(ValueError):
            found["mcp_server_id"] = UUID(server_id)
    return found


Tool = Annotated[
    Annotated[
        EndCallTool | FunctionTool | TransferCallTool | McpTool,
        Field(discriminator="type"),
    ],
    BeforeValidator(normalised),
]


def repeated_names(tools: Sequence[Any]) -> list[tuple[int, str]]:
    """Return the place and name of every tool whose name an earlier one has.

    A server of tools counts by its id: two entries of one server are one too many.
    """
    seen: set[str] = set()
    repeated = []
    for index, tool in enumerate(tools):
        name = tool.name or f"mcp:{tool.mcp_server_id}"
        if name in seen:
            repeated.append((index, name))
        seen.add(name)
    return repeated
