"""Pages about the tools of one assistant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import mcp_servers
from assistants.editing import change_spec
from assistants.faults import NotSound
from assistants.mcp_servers import get_server
from assistants.models import Assistant, McpServer
from assistants.n8n import workflow_of
from assistants.pages import page_of, tell_kept
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.sovereignty import OutsideRegion
from assistants.spec import AssistantSpec
from assistants.tool_forms import FunctionForm, McpToolForm, initial_of
from assistants.tool_list import (
    AnyTool,
    ToolRefused,
    find_tool,
    key_of,
    with_tool,
    without_tool,
)
from assistants.tool_shapes import (
    END_CALL,
    TRANSFER_CALL,
    EndCallTool,
    FunctionTool,
    McpTool,
    TransferCallTool,
)
from assistants.transfer_forms import destination_rows
from portal.http import MemberRequest
from portal.permissions import Permission, requires

_ABOUT: Final = "llm_config.tools"
_KINDS: Final = {
    "function": (gettext_lazy("Webhook function"), "webhook"),
    END_CALL: (gettext_lazy("End the call"), "phone-off"),
    TRANSFER_CALL: (gettext_lazy("Transfer the call"), "phone-outgoing"),
    "mcp": (gettext_lazy("MCP server"), "plug"),
}


@dataclass(frozen=True)
class ShownTool:
    """A tool as a row of the list."""

    key: str
    name: str
    kind: str
    label: Any
    icon: str
    purpose: str
    detail: str


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_tools(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Every tool of an assistant, and the kinds that can be added."""
    assistant = get_assistant(assistant_id)
    spec = working_spec(assistant)
    servers = {row.pk: row for row in McpServer.objects.all()}
    rows = [_shown(tool, servers) for tool in spec.llm_config.tools]
    kinds = {row.kind for row in rows}
    context = page_of(request, assistant) | {
        "rows": rows,
        "may_end": END_CALL in kinds,
        "may_transfer": TRANSFER_CALL in kinds,
        "ends_for_silence": spec.autonomous_silence_handling and END_CALL not in kinds,
    }
    return render(request, "assistants/assistant_tools.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_new(
    request: MemberRequest, assistant_id: UUID, tool_kind: str
) -> HttpResponse:
    """Add a webhook function or a transfer."""
    if tool_kind not in _PAGES:
        raise Http404
    return _PAGES[tool_kind](request, get_assistant(assistant_id), None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_edit(
    request: MemberRequest, assistant_id: UUID, tool_key: str
) -> HttpResponse:
    """Change a tool."""
    assistant = get_assistant(assistant_id)
    tool = find_tool(working_spec(assistant), tool_key)
    if isinstance(tool, McpTool):
        return redirect("assistant_tool_mcp", assistant.pk, tool.mcp_server_id)
    if tool.type not in _PAGES:
        return redirect("assistant_tools", assistant.pk)
    return _PAGES[tool.type](request, assistant, tool)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_remove(
    request: MemberRequest, assistant_id: UUID, tool_key: str
) -> HttpResponse:
    """Take a tool away."""
    assistant = get_assistant(assistant_id)
    version = change_spec(
        assistant=assistant,
        change=lambda spec: without_tool(spec, tool_key),
        about=_ABOUT,
        actor=request.user,
    )
    tell_kept(request, version)
    return redirect("assistant_tools", assistant.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_end_call(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Let the assistant end calls."""
    assistant = get_assistant(assistant_id)
    try:
        add_tool(request, assistant, EndCallTool())
    except (ToolRefused, NotSound, OutsideRegion) as refusal:
        messages.error(request, str(refusal))
    return redirect("assistant_tools", assistant.pk)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_tool_workflow(
    request: MemberRequest, assistant_id: UUID, tool_key: str
) -> HttpResponse:
    """The workflow that answers a webhook function, to be imported into n8n."""
    tool = find_tool(working_spec(get_assistant(assistant_id)), tool_key)
    if not isinstance(tool, FunctionTool):
        raise Http404
    answer = JsonResponse(workflow_of(tool), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="{tool.name}.n8n.json"'
    return answer


# --- MCP servers ----------------------------------------------------------------------
@require_GET
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_servers(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Choose the MCP server to take tools from."""
    assistant = get_assistant(assistant_id)
    used = {
        tool.mcp_server_id
        for tool in working_spec(assistant).llm_config.tools
        if isinstance(tool, McpTool)
    }
    context = page_of(request, assistant) | {
        "servers": McpServer.objects.exclude(pk__in=used)
    }
    return render(request, "assistants/assistant_tool_servers.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_mcp(
    request: MemberRequest, assistant_id: UUID, server_id: UUID
) -> HttpResponse:
    """Which tools of one server the assistant has."""
    assistant, server = get_assistant(assistant_id), get_server(server_id)
    tool = next(
        (
            one
            for one in working_spec(assistant).llm_config.tools
            if isinstance(one, McpTool) and one.mcp_server_id == server.pk
        ),
        None,
    )
    form = McpToolForm(
        request.POST if request.method == "POST" else None, server=server, tool=tool
    )
    if (
        request.method == "POST"
        and form.is_valid()
        and _kept(request, assistant, form, form.tool, tool)
    ):
        return redirect("assistant_tools", assistant.pk)
    context = page_of(request, assistant) | {
        "form": form,
        "tool": tool,
        "server": server,
    }
    return _answer(request, "assistants/assistant_tool_mcp.html", context, form)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_mcp_test(
    request: MemberRequest, assistant_id: UUID, server_id: UUID
) -> HttpResponse:
    """Connect to the server now, and show its tools to choose among."""
    assistant, server = get_assistant(assistant_id), get_server(server_id)
    found = mcp_servers.test_server(server=server)
    if found["ok"]:
        said = _("Connected in %(ms)s ms: %(count)s tools.")
        count = len(found["tools"])
        messages.success(request, said % {"ms": found["duration_ms"], "count": count})
    else:
        messages.error(request, found["error"])
    return redirect("assistant_tool_mcp", assistant.pk, server.pk)


# --- the page of each kind ------------------------------------------------------------
def _function_page(
    request: MemberRequest, assistant: Assistant, tool: FunctionTool | None
) -> HttpResponse:
    form = FunctionForm(
        request.POST if request.method == "POST" else None,
        initial=initial_of(tool) if tool else None,
    )
    if (
        request.method == "POST"
        and form.is_valid()
        and _kept(request, assistant, form, form.tool, tool)
    ):
        return redirect("assistant_tools", assistant.pk)
    context = page_of(request, assistant) | {
        "form": form,
        "tool": tool,
        "tool_key": key_of(tool) if tool else "",
    }
    return _answer(request, "assistants/assistant_tool_function.html", context, form)


def _transfer_page(
    request: MemberRequest, assistant: Assistant, tool: TransferCallTool | None
) -> HttpResponse:
    tools = working_spec(assistant).llm_config.tools
    tool = tool or next((t for t in tools if isinstance(t, TransferCallTool)), None)
    rows = destination_rows(
        request.POST if request.method == "POST" else None, tool=tool
    )
    if (
        request.method == "POST"
        and rows.is_valid()
        and _kept(request, assistant, rows.forms[0], rows.tool, tool)
    ):
        return redirect("assistant_tools", assistant.pk)
    context = page_of(request, assistant) | {"rows": rows, "tool": tool}
    is_wrong = rows.is_bound and not rows.is_valid()
    return render(
        request,
        "assistants/assistant_tool_transfer.html",
        context,
        status=422 if is_wrong else 200,
    )


_Page = Callable[[MemberRequest, Assistant, Any], HttpResponse]
_PAGES: Final[dict[str, _Page]] = {
    "function": _function_page,
    TRANSFER_CALL: _transfer_page,
}


# --- keeping --------------------------------------------------------------------------
def add_tool(request: MemberRequest, assistant: Assistant, tool: AnyTool) -> None:
    """Put one more tool into the assistant and say what became of it.

    Raises `ToolRefused`, `NotSound` or `OutsideRegion`, and adds nothing.
    """
    version = change_spec(
        assistant=assistant,
        change=lambda spec: with_tool(spec, tool),
        about=_ABOUT,
        actor=request.user,
    )
    tell_kept(request, version)


def _kept(
    request: MemberRequest,
    assistant: Assistant,
    form: forms.Form,
    tool: AnyTool,
    before: AnyTool | None,
) -> bool:
    """Keep what a form made; False, and the reason beside its field, when it is refused."""

    def change(spec: AssistantSpec) -> AssistantSpec:
        return with_tool(spec, tool, replaces=key_of(before) if before else None)

    try:
        version = change_spec(
            assistant=assistant, change=change, about=_ABOUT, actor=request.user
        )
    except ToolRefused as refusal:
        form.add_error("name" if "name" in form.fields else None, str(refusal))
        return False
    except (NotSound, OutsideRegion) as refusal:
        for fault in refusal.faults:
            place = fault.param.rpartition(".")[2]
            form.add_error(place if place in form.fields else None, fault.message)
        return False
    tell_kept(request, version)
    return True


def _answer(
    request: MemberRequest, template: str, context: dict[str, Any], form: forms.Form
) -> HttpResponse:
    return render(request, template, context, status=422 if form.errors else 200)


def _shown(tool: AnyTool, servers: dict[UUID, McpServer]) -> ShownTool:
    label, icon = _KINDS[tool.type]
    name, purpose, detail = str(label), "", ""
    if isinstance(tool, FunctionTool):
        name, purpose = tool.name, tool.function.description
        detail = tool.server.url or _("The webhook address of the assistant")
    elif isinstance(tool, TransferCallTool):
        purpose = ", ".join(one.description or one.number for one in tool.destinations)
        detail = ", ".join(one.number for one in tool.destinations)
    elif isinstance(tool, McpTool):
        server = servers.get(tool.mcp_server_id)
        name = server.name if server else _("A server that was deleted")
        purpose = ", ".join(tool.allowed_tools) or _("All its tools")
        detail = server.url if server else ""
    else:
        purpose = _("When the conversation is over.")
    return ShownTool(key_of(tool), name, tool.type, label, icon, purpose, detail)
