"""Inserting into an assistant what the library keeps: a copy that knows nothing of its origin."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from pydantic import TypeAdapter

from assistants import tool_templates
from assistants.faults import NotSound
from assistants.library import insertable, starter_of, starters_for
from assistants.models import Assistant, ToolTemplate
from assistants.pages import page_of
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.sovereignty import OutsideRegion
from assistants.starters import tool_config_of
from assistants.templates import get_template
from assistants.tool_list import AnyTool, ToolRefused, key_of
from assistants.tool_shapes import EndCallTool, Tool
from assistants.tool_views import add_tool
from portal.http import MemberRequest
from portal.permissions import Permission, requires

_TOOL: TypeAdapter[AnyTool] = TypeAdapter(Tool)


@require_GET
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_library(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """The library's tools, to be inserted into one assistant."""
    assistant = get_assistant(assistant_id)
    context = page_of(request, assistant) | insertable(
        request, ToolTemplate, speaks=working_spec(assistant).language
    )
    return render(request, "assistants/assistant_tool_library.html", context)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_insert(
    request: MemberRequest, assistant_id: UUID, tool_template_id: UUID
) -> HttpResponse:
    """Copy one of the organization's own templates into the assistant."""
    assistant = get_assistant(assistant_id)
    template = get_template(ToolTemplate, tool_template_id)
    tool = _TOOL.validate_python(tool_templates.tool_of(template))
    return _inserted(request, assistant, tool)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_tool_insert_starter(
    request: MemberRequest, assistant_id: UUID, tool_slug: str
) -> HttpResponse:
    """Copy a tool that comes with the product into the assistant."""
    assistant = get_assistant(assistant_id)
    speaks = working_spec(assistant).language
    starter = starter_of(starters_for(request, speaks).tools, tool_slug)
    return _inserted(request, assistant, _TOOL.validate_python(tool_config_of(starter)))


def _inserted(
    request: MemberRequest, assistant: Assistant, tool: AnyTool
) -> HttpResponse:
    """Go on to the tool's own page, where its address is given."""
    try:
        add_tool(request, assistant, tool)
    except (ToolRefused, NotSound, OutsideRegion) as refusal:
        messages.error(request, str(refusal))
        return redirect("assistant_tool_library", assistant.pk)
    if isinstance(tool, EndCallTool):
        return redirect("assistant_tools", assistant.pk)
    return redirect("assistant_tool_edit", assistant.pk, key_of(tool))
