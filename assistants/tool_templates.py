"""Tool templates: kept in either generation's names, checked as an assistant would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from pydantic import TypeAdapter

from assistants.models import ToolTemplate
from assistants.starters import Starter, tool_config_of
from assistants.tool_shapes import NAME_PATTERN, FunctionTool, Tool, normalised
from common.http import check_url
from common.http.client import allowed_networks
from portal.models import Organization, User
from portal.services import audit

_TOOL: Final[TypeAdapter[Any]] = TypeAdapter(Tool)


def identifier(text: str) -> str:
    """Return words as a function's name; what cannot be one is left for the refusal."""
    if re.fullmatch(NAME_PATTERN, text):
        return text
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:64] or text


def checked_config(
    kind: str, config: Mapping[str, Any], *, name: str
) -> tuple[dict[str, Any], str]:
    """Return a template's config in the flat names, and its secret.

    Raises pydantic's error, or `OutboundError` for an address that may not be reached.
    """
    values = {"type": kind, **config}
    if normalised(values)["type"] == ToolTemplate.Kind.FUNCTION:
        definition = values.get("function")
        if not isinstance(definition, dict):
            values["name"] = values.get("name") or identifier(name)
    tool = _TOOL.validate_python(values)
    kept = tool.model_dump(mode="json", by_alias=True, exclude={"type"})
    if not isinstance(tool, FunctionTool):
        return kept, ""
    if tool.server.url:
        check_url(tool.server.url, allowed=allowed_networks())
    flat = {
        **kept["function"],
        "url": tool.server.url,
        "async": tool.run_async,
        "message": tool.message,
    }
    return flat, tool.server.secret or ""


@transaction.atomic
def save_tool_template(
    *,
    organization: Organization,
    template: ToolTemplate | None,
    name: str,
    description: str,
    kind: str,
    config: Mapping[str, Any],
    secret: str | None,
    actor: User | None,
) -> ToolTemplate:
    """Keep a checked template; a secret of `None` leaves the one there is."""
    is_new = template is None
    row = template or ToolTemplate(organization=organization)
    row.name, row.description = name, description
    row.tool_type, row.tool_config = kind, dict(config)
    if secret is not None:
        row.server_secret = secret
    row.save()
    audit.record(
        organization=organization,
        actor=actor,
        action="tool_template.created" if is_new else "tool_template.changed",
        target=row,
        changes={"name": name},
    )
    return row


def copy_starter_tool(
    *, organization: Organization, starter: Starter, actor: User | None
) -> ToolTemplate:
    """Put a tool that comes with the product among one's own."""
    return save_tool_template(
        organization=organization,
        template=None,
        name=starter.name,
        description=starter.description,
        kind=ToolTemplate.Kind.FUNCTION,
        config=tool_config_of(starter),
        secret=None,
        actor=actor,
    )


def tool_of(template: ToolTemplate) -> dict[str, Any]:
    """Return the tool to put into an assistant, its secret included."""
    tool = template.tool
    if template.tool_type == ToolTemplate.Kind.FUNCTION:
        tool["name"] = tool.get("name") or identifier(template.name)
    if template.server_secret:
        tool["secret"] = template.server_secret
    return tool
