"""The tools of one assistant: finding one, and a spec with one more, another or one less."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _

from assistants.spec import AssistantSpec
from assistants.spec_secrets import MASK
from assistants.tool_shapes import MAX_TOOLS, FunctionTool, McpTool

AnyTool = Any  # a member of `tool_shapes.Tool`


class ToolRefused(ValueError):
    """A tool that this assistant cannot have; the message says why."""


def key_of(tool: AnyTool) -> str:
    """Return what names a tool in an address: its name, or its server's id."""
    if isinstance(tool, McpTool):
        return f"mcp-{tool.mcp_server_id}"
    return str(tool.name)


def find_tool(spec: AssistantSpec, key: str) -> AnyTool:
    """Return the tool of that key; 404 when another has taken it away."""
    for tool in spec.llm_config.tools:
        if key_of(tool) == key:
            return tool
    raise Http404("No such tool.")


def with_tool(
    spec: AssistantSpec, tool: AnyTool, *, replaces: str | None = None
) -> AssistantSpec:
    """Return the spec with this tool at the end, or in the place of the one of that key.

    A masked secret is that of the tool replaced. Raises `ToolRefused` for a name that
    another has, and for one tool too many.
    """
    tools = list(spec.llm_config.tools)
    place = len(tools)
    if replaces is not None:
        place = tools.index(find_tool(spec, replaces))
        tool = _with_secret_of(tools.pop(place), tool)
    if key_of(tool) in {key_of(other) for other in tools}:
        raise ToolRefused(_taken(tool))
    if len(tools) >= MAX_TOOLS:
        raise ToolRefused(
            _("An assistant has at most %(count)s tools.") % {"count": MAX_TOOLS}
        )
    tools.insert(place, tool)
    return _with_tools(spec, tools)


def without_tool(spec: AssistantSpec, key: str) -> AssistantSpec:
    """Return the spec without the tool of that key; a second time changes nothing."""
    return _with_tools(spec, [t for t in spec.llm_config.tools if key_of(t) != key])


def place_of(spec: AssistantSpec, key: str) -> str:
    """Return how errors call the tool of that key: `llm_config.tools[2]`."""
    keys = [key_of(tool) for tool in spec.llm_config.tools]
    return f"llm_config.tools[{keys.index(key)}]"


def _taken(tool: AnyTool) -> str:
    if isinstance(tool, McpTool):
        return _("The assistant has this server already.")
    return _("The assistant has a tool called “%(name)s” already.") % {
        "name": tool.name
    }


def _with_tools(spec: AssistantSpec, tools: list[AnyTool]) -> AssistantSpec:
    llm = spec.llm_config.model_copy(update={"tools": tuple(tools)})
    return spec.model_copy(update={"llm_config": llm})


def _with_secret_of(before: AnyTool, tool: AnyTool) -> AnyTool:
    if not isinstance(tool, FunctionTool) or tool.server.secret != MASK:
        return tool
    kept = before.server.secret if isinstance(before, FunctionTool) else None
    server = tool.server.model_copy(update={"secret": kept})
    return tool.model_copy(update={"server": server})
