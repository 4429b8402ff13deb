"""Pages of the library: tools kept to be copied into assistants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import tool_templates
from assistants.library import (
    copied,
    deleted,
    shelf_page,
    starter_of,
    starters_for,
    tool_shelf,
)
from assistants.models import ToolTemplate
from assistants.spec_secrets import MASK
from assistants.templates import get_template
from assistants.tool_forms import TitleForm, ToolTemplateForm
from assistants.tool_shapes import TransferCallTool
from assistants.transfer_forms import destination_rows
from portal.http import MemberRequest
from portal.permissions import Permission, requires

_FUNCTION: Final = ToolTemplate.Kind.FUNCTION
_TRANSFER: Final = ToolTemplate.Kind.TRANSFER_CALL


@require_GET
@requires(Permission.ASSISTANTS_READ)
def tool_template_list(request: MemberRequest) -> HttpResponse:
    """The organization's tools, and those that come with the product."""
    return shelf_page(request, tool_shelf(), ToolTemplate, starters_for(request).tools)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_new(request: MemberRequest) -> HttpResponse:
    """Make a webhook function for the library."""
    return _edited(request, _FUNCTION, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_new_kind(request: MemberRequest, tool_kind: str) -> HttpResponse:
    """Make a tool of another kind for the library."""
    if tool_kind not in ToolTemplate.Kind.values:
        raise Http404
    return _edited(request, tool_kind, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_edit(request: MemberRequest, tool_template_id: UUID) -> HttpResponse:
    """Change a tool of the library; assistants keep the copies they have."""
    template = get_template(ToolTemplate, tool_template_id)
    return _edited(request, template.tool_type, template)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_copy(request: MemberRequest, tool_slug: str) -> HttpResponse:
    """Put a tool that comes with the product among one's own, to be given an address."""
    template = tool_templates.copy_starter_tool(
        organization=request.organization,
        starter=starter_of(starters_for(request).tools, tool_slug),
        actor=request.user,
    )
    said = _("Copied. Give it the address of your service.")
    return copied(request, template, said)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_delete(
    request: MemberRequest, tool_template_id: UUID
) -> HttpResponse:
    """Delete a template; assistants keep their copies."""
    return deleted(request, get_template(ToolTemplate, tool_template_id))


# --- one page for every kind ----------------------------------------------------------
@dataclass(frozen=True)
class _Answers:
    """What was typed: a form, and rows of destinations where the kind has them."""

    form: forms.Form
    rows: Any = None

    def are_valid(self) -> bool:
        # Both are asked, so that every error shows at once.
        checked = [part.is_valid() for part in (self.form, self.rows) if part]
        return all(checked)


def _edited(
    request: MemberRequest, kind: str, template: ToolTemplate | None
) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    answers = _answers(kind, sent, template)
    if sent is not None and answers.are_valid():
        data = answers.form.cleaned_data
        secret = data.get("secret", "")
        tool_templates.save_tool_template(
            organization=request.organization,
            template=template,
            name=data["title"],
            description=data["description"],
            kind=kind,
            config=_config(kind, answers),
            secret=None if secret == MASK else secret,
            actor=request.user,
        )
        messages.success(request, _("Saved in the library."))
        return redirect("tool_template_list")
    context = {
        "form": answers.form,
        "rows": answers.rows,
        "template": template,
        "kind": kind,
        "kinds": _kinds(kind),
    }
    return render(
        request,
        "assistants/tool_template_form.html",
        context,
        status=200 if sent is None else 422,
    )


def _answers(kind: str, sent: Any, template: ToolTemplate | None) -> _Answers:
    if kind == _FUNCTION:
        return _Answers(ToolTemplateForm(sent, initial=_of_function(template)))
    initial = {}
    if template is not None:
        initial = {"title": template.name, "description": template.description}
    rows = None
    if kind == _TRANSFER:
        tool = TransferCallTool.model_validate(template.tool) if template else None
        rows = destination_rows(sent, tool=tool)
    return _Answers(TitleForm(sent, initial=initial), rows)


def _config(kind: str, answers: _Answers) -> dict[str, Any]:
    if kind == _TRANSFER:
        config: dict[str, Any] = answers.rows.tool.model_dump(
            mode="json", exclude={"type"}
        )
        return config
    if kind != _FUNCTION:
        return {}
    data = answers.form.cleaned_data
    return {
        "name": data["name"],
        "description": data["description"],
        "parameters": data["parameters"],
        "url": data["url"],
        "async": data["run_async"],
        "message": data["message"] or None,
    }


def _of_function(template: ToolTemplate | None) -> dict[str, Any]:
    if template is None:
        return {}
    config = template.tool_config
    return {
        "title": template.name,
        "name": config.get("name", ""),
        "description": config.get("description", ""),
        "parameters": config.get("parameters", {}),
        "url": config.get("url") or "",
        "secret": MASK if template.server_secret else "",
        "message": config.get("message") or "",
        "run_async": config.get("async", False),
    }


def _kinds(current: str) -> list[dict[str, Any]]:
    """The kinds to choose among, as tabs."""
    return [
        {
            "label": kind.label,
            "url": reverse("tool_template_new")
            if kind is _FUNCTION
            else reverse("tool_template_new_kind", args=[kind.value]),
            "is_current": kind.value == current,
        }
        for kind in ToolTemplate.Kind
    ]
