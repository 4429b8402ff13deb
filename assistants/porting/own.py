"""An assistant of ours: an export, or what the API answers about one."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.models import McpServer
from assistants.porting.exporting import FORMAT
from assistants.porting.reading import Source
from assistants.spec_secrets import MASK

# What files said until portals could leave our name out.
_FORMATS: Final = (FORMAT, "portavoce.assistant")
# What the API tells about the row; a new assistant has its own.
_OF_THE_ROW: Final = (
    "id",
    "is_active",
    "version",
    "webhook_secret",
    "created_at",
    "updated_at",
)


def fits(document: dict[str, Any]) -> bool:
    """Whether it is one."""
    return document.get("format") in _FORMATS or "llm_config" in document


def values_of(source: Source) -> dict[str, Any]:
    """Return the assistant as our API takes it, with servers and secrets that are here."""
    root = ("assistant",) if source.look("format") in _FORMATS else ()
    found = source.take(*root) if root else source.look()
    values = dict(found) if isinstance(found, dict) else {}
    for name in _OF_THE_ROW:
        values.pop(name, None)
    for name in ("format", "version", "exported_at", "mcp_servers", "omitted", *values):
        source.take(name)
    for at in source.items("omitted"):
        source.note(at, _("Secrets are in no export. Enter it again."))
    llm = values.get("llm_config")
    if isinstance(llm, dict) and isinstance(llm.get("tools"), list):
        tools = [
            _tool(source, (*root, "llm_config", "tools", index), tool)
            for index, tool in enumerate(llm["tools"])
        ]
        values["llm_config"] = {**llm, "tools": [t for t in tools if t is not None]}
    return values


def _tool(source: Source, at: tuple[str | int, ...], tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    if tool.get("type") == "mcp":
        return _of_a_server_here(source, at, tool)
    server = tool.get("server")
    if isinstance(server, dict) and server.get("secret") == MASK:
        source.note(
            (*at, "server", "secret"), _("Secrets are in no export. Enter it again.")
        )
        return {**tool, "server": {**server, "secret": None}}
    return tool


def _of_a_server_here(
    source: Source, at: tuple[str | int, ...], tool: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the tool with the server of this organization that has the same address."""
    told = source.look("mcp_servers", str(tool.get("mcp_server_id")))
    url = told.get("url") if isinstance(told, dict) else None
    rows = McpServer.objects.all()
    here = {str(row.pk): row for row in rows}.get(str(tool.get("mcp_server_id")))
    if here is None and isinstance(url, str):
        here = next((row for row in rows if row.url == url), None)
    if here is None:
        source.note(
            (*at, "mcp_server_id"),
            _("There is no MCP server of this address here. Add it, then its tools."),
        )
        return None
    return {**tool, "mcp_server_id": str(here.pk)}
