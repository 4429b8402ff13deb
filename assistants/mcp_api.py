"""MCP servers over REST, under `/mcp-servers`. Headers are taken and never given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field
from pydantic.config import JsonDict

from assistants import mcp_servers
from assistants.mcp_servers import (
    TIMEOUTS_S,
    McpInUse,
    McpRefused,
    NameTaken,
    get_server,
)
from assistants.models import McpServer
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["MCP servers"])


_TRANSPORTS: Final[JsonDict] = {"enum": [*McpServer.Transport.values, None]}
_SECONDS: Final[JsonDict] = {"minimum": TIMEOUTS_S[0], "maximum": TIMEOUTS_S[-1]}
_HEADERS: Final = {"Authorization": "Bearer of-the-server"}


class NewServer(Body):
    """A server; only its name and address are required."""

    name: str = Field(min_length=1, max_length=80)
    url: str = Field(max_length=2_000, examples=["https://example.com/mcp"])
    transport: str = Field("streamable_http", json_schema_extra=_TRANSPORTS)
    headers: dict[str, str] = Field(default_factory=dict, examples=[_HEADERS])
    timeout_seconds: int = Field(20, json_schema_extra=_SECONDS)


class ServerChange(Body):
    """What is to change; `headers` are replaced as a whole."""

    name: str | None = Field(None, min_length=1, max_length=80)
    url: str | None = Field(
        None, max_length=2_000, examples=["https://example.com/mcp"]
    )
    transport: str | None = Field(None, json_schema_extra=_TRANSPORTS)
    headers: dict[str, str] | None = Field(None, examples=[_HEADERS])
    timeout_seconds: int | None = Field(None, json_schema_extra=_SECONDS)


class ServerJson(BaseModel):
    id: UUID
    org_id: UUID
    name: str
    url: str
    transport: str
    header_names: list[str]
    timeout_seconds: int
    tested_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OneServer(BaseModel):
    mcp_server: ServerJson


class Servers(BaseModel):
    mcp_servers: list[ServerJson]


class FoundTool(BaseModel):
    name: str
    description: str
    input_schema: dict[str, Any]


class TestResult(BaseModel):
    """`tools` when it worked, else `error`."""

    ok: bool
    duration_ms: int
    tools: list[FoundTool] | None = None
    error: str | None = None


def _json(server: McpServer) -> dict[str, Any]:
    return {
        "id": server.pk,
        "org_id": server.organization_id,
        "name": server.name,
        "url": server.url,
        "transport": server.transport,
        "header_names": server.header_names,
        "timeout_seconds": server.timeout_seconds,
        "tested_at": server.tested_at,
        "created_at": server.created_at,
        "updated_at": server.updated_at,
    }


def _tried(service: Any, **values: Any) -> McpServer:
    try:
        server: McpServer = service(actor=None, **values)
    except McpRefused as refusal:
        raise InvalidRequest(str(refusal), param=refusal.param) from refusal
    except NameTaken as taken:
        raise Conflict(str(taken), param="name") from taken
    return server


@router.get("", response=Servers)
@api_requires(Permission.ASSISTANTS_READ)
def list_servers(request: KeyRequest) -> dict[str, Any]:
    """Every MCP server of the organization, by name."""
    return {"mcp_servers": [_json(row) for row in McpServer.objects.all()]}


@router.post("", response={201: OneServer})
@api_requires(Permission.ASSISTANTS_EDIT)
def create_server(
    request: KeyRequest, body: Annotated[NewServer, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Keep a server; nothing is asked of it yet."""
    server = _tried(
        mcp_servers.create_server,
        organization=request.organization,
        values=body.model_dump(),
    )
    return Status(201, {"mcp_server": _json(server)})


@router.get("/{uuid:server_id}", response=OneServer)
@api_requires(Permission.ASSISTANTS_READ)
def read_server(request: KeyRequest, server_id: UUID) -> dict[str, Any]:
    """One server."""
    return {"mcp_server": _json(get_server(server_id))}


@router.patch("/{uuid:server_id}", response=OneServer)
@api_requires(Permission.ASSISTANTS_EDIT)
def change_server(
    request: KeyRequest, server_id: UUID, body: Annotated[ServerChange, BodyParam(...)]
) -> dict[str, Any]:
    """Change what is given; another host needs the headers again."""
    values = body.model_dump(exclude_unset=True)
    values = {k: v for k, v in values.items() if v is not None or k == "headers"}
    server = _tried(
        mcp_servers.change_server, server=get_server(server_id), values=values
    )
    return {"mcp_server": _json(server)}


@router.delete("/{uuid:server_id}", response=Deleted)
@api_requires(Permission.ASSISTANTS_EDIT)
def delete_server(request: KeyRequest, server_id: UUID) -> dict[str, bool]:
    """Delete a server that no assistant uses."""
    try:
        mcp_servers.delete_server(server=get_server(server_id), actor=None)
    except McpInUse as used:
        raise Conflict(str(used)) from used
    return {"success": True}


@router.post("/{uuid:server_id}/test", response=TestResult, exclude_none=True)
@api_requires(Permission.ASSISTANTS_EDIT)
def test_server(request: KeyRequest, server_id: UUID) -> dict[str, Any]:
    """Connect now and list the tools, or say why that does not work."""
    return mcp_servers.test_server(server=get_server(server_id))
