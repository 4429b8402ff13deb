"""Making, changing, testing and deleting MCP servers of an organization."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from assistants.mcp_client import Endpoint, McpFailed, list_tools
from assistants.models import Assistant, McpServer
from common.http import OutboundError, check_url
from common.http.client import allowed_networks
from portal.models import Organization, User
from portal.services import audit

MAX_HEADERS: Final = 10
MAX_SERVERS: Final = 50
TIMEOUTS_S: Final = range(5, 61)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,2000}")
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade"}
)


class McpRefused(Exception):
    """A setting cannot be used; `param` names it."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class NameTaken(Exception):
    """Another server of the organization is called so."""


class McpInUse(Exception):
    """Assistants use the server; the message names them."""


def get_server(server_id: UUID) -> McpServer:
    """Return one of the scope's servers; absent and another's are the same 404."""
    server = McpServer.objects.filter(pk=server_id).first()
    if server is None:
        raise Http404("No such MCP server.")
    return server


def create_server(
    *, organization: Organization, values: Mapping[str, Any], actor: User | None
) -> McpServer:
    """Keep a server. Raises `McpRefused` or `NameTaken` and keeps nothing."""
    if McpServer.objects.count() >= MAX_SERVERS:
        raise McpRefused(
            _("At most %(count)s servers.") % {"count": MAX_SERVERS}, "name"
        )
    server = McpServer(organization=organization)
    _apply(server, values)
    _store(server, "mcp_server.created", actor)
    return server


def change_server(
    *, server: McpServer, values: Mapping[str, Any], actor: User | None
) -> McpServer:
    """Change what is given. Another host gets no headers that were meant for this one."""
    moved = "url" in values and _origin(str(values["url"])) != _origin(server.url)
    if moved and server.header_names and "headers" not in values:
        raise McpRefused(
            _("Another host needs the headers again: they were given for this one."),
            "headers",
        )
    _apply(server, values)
    _store(server, "mcp_server.changed", actor)
    return server


@transaction.atomic
def delete_server(*, server: McpServer, actor: User | None) -> None:
    """Forget a server that no assistant uses; else raise `McpInUse`."""
    if using := list(assistants_using(server.pk)[:3]):
        names = ", ".join(assistant.name for assistant in using)
        raise McpInUse(
            _("In use by %(names)s. Take it out of these assistants first.")
            % {"names": names}
        )
    audit.record(
        organization=server.organization,
        actor=actor,
        action="mcp_server.deleted",
        target=server,
        changes={"name": server.name},
    )
    server.delete()


def assistants_using(server_id: UUID) -> QuerySet[Assistant]:
    """Return the assistants whose current version or draft has this server."""
    wanted = {
        "llm_config": {"tools": [{"type": "mcp", "mcp_server_id": str(server_id)}]}
    }
    return Assistant.objects.filter(
        Q(current_version__spec_json__contains=wanted) | Q(draft_json__contains=wanted),
        deleted_at__isnull=True,
    )


def test_server(*, server: McpServer) -> dict[str, Any]:
    """Connect now and return what was found, as the API tells it; remembered for the page."""
    started = time.monotonic()
    try:
        tools, duration_ms = list_tools(endpoint_of(server))
    except McpFailed as error:
        duration_ms = round((time.monotonic() - started) * 1000)
        found: dict[str, Any] = {
            "ok": False,
            "duration_ms": duration_ms,
            "error": str(error),
        }
    else:
        found = {
            "ok": True,
            "duration_ms": duration_ms,
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.input_schema,
                }
                for tool in tools
            ],
        }
    server.last_test = _remembered(found)
    server.tested_at = timezone.now()
    server.save(update_fields=["last_test", "tested_at"])
    return found


def endpoint_of(server: McpServer) -> Endpoint:
    """Return where a server is, with its headers opened."""
    return Endpoint(
        name=server.name,
        url=server.url,
        transport=server.transport,
        headers=json.loads(server.headers) if server.headers else {},
        timeout_s=server.timeout_seconds,
    )


def _remembered(found: dict[str, Any]) -> dict[str, Any]:
    """The schemas stay with the server; a page shows names and descriptions."""
    tools = [
        {"name": tool["name"], "description": tool["description"][:300]}
        for tool in found.get("tools", ())[:500]
    ]
    text = json.dumps({**found, "tools": tools}).replace("\\u0000", "")
    remembered: dict[str, Any] = json.loads(text)
    return remembered


def _apply(server: McpServer, values: Mapping[str, Any]) -> None:
    if "name" in values:
        server.name = str(values["name"]).strip()
        if not 1 <= len(server.name) <= 80:
            raise McpRefused(_("Give a name of at most 80 characters."), "name")
    if "url" in values:
        try:
            check_url(str(values["url"]), allowed=allowed_networks())
        except OutboundError as error:
            raise McpRefused(str(error), "url") from error
        server.url = str(values["url"])
    if "transport" in values:
        if values["transport"] not in McpServer.Transport.values:
            allowed = ", ".join(McpServer.Transport.values)
            raise McpRefused(
                _("Choose one of: %(names)s.") % {"names": allowed}, "transport"
            )
        server.transport = values["transport"]
    if "timeout_seconds" in values:
        if values["timeout_seconds"] not in TIMEOUTS_S:
            raise McpRefused(_("Give 5 to 60 seconds."), "timeout_seconds")
        server.timeout_seconds = values["timeout_seconds"]
    if "headers" in values:
        headers = checked_headers(values["headers"] or {})
        server.headers = json.dumps(headers) if headers else ""
        server.header_names = list(headers)


def checked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return headers that may be sent, or raise `McpRefused`."""
    if len(headers) > MAX_HEADERS:
        raise McpRefused(
            _("At most %(count)s headers.") % {"count": MAX_HEADERS}, "headers"
        )
    for name, value in headers.items():
        param = f"headers.{name}"
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise McpRefused(_("This header cannot be set."), param)
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise McpRefused(_("A header's value is one line of plain text."), param)
    return dict(headers)


def _origin(url: str) -> tuple[str, str]:
    scheme, _separator, rest = url.partition("://")
    return scheme.lower(), re.split(r"[/?#]", rest, maxsplit=1)[0].lower()


def _store(server: McpServer, action: str, actor: User | None) -> None:
    try:
        with transaction.atomic():
            server.save()
            audit.record(
                organization=server.organization,
                actor=actor,
                action=action,
                target=server,
                changes={"name": server.name, "url": server.url},
            )
    except IntegrityError as error:
        raise NameTaken(
            _("Another server is called “%(name)s”.") % {"name": server.name}
        ) from error
