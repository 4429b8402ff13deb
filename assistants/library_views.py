"""Pages of the library: tools and analyses kept to be copied into assistants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import analysis_templates, tool_templates
from assistants.analysis_forms import AnalysisTemplateForm
from assistants.library import (
    Shelf,
    analysis_shelf,
    fitting,
    library_tabs,
    search_words,
    starter_of,
    tool_shelf,
)
from assistants.models import AnalysisTemplate, ToolTemplate
from assistants.spec_secrets import MASK
from assistants.starters import Starter, starters
from assistants.tool_forms import ToolTemplateForm
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 25


# --- tools ----------------------------------------------------------------------------
@require_GET
@requires(Permission.ASSISTANTS_READ)
def tool_template_list(request: MemberRequest) -> HttpResponse:
    """The organization's tools, and those that come with the product."""
    words = search_words(request)
    rows = tool_templates.search_tool_templates(words)
    return _listed(request, tool_shelf(), rows, starters().tools, words)


def _listed(
    request: MemberRequest,
    shelf: Shelf,
    rows: QuerySet[Any],
    ours: tuple[Starter, ...],
    words: str,
) -> HttpResponse:
    context = {
        "shelf": shelf,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "starters": fitting(ours, words),
        "words": words,
        "tabs": library_tabs(request),
    }
    return render(request, "assistants/template_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_new(request: MemberRequest) -> HttpResponse:
    """Make a tool for the library."""
    return _tool_edited(request, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_edit(request: MemberRequest, tool_template_id: UUID) -> HttpResponse:
    """Change a tool of the library; assistants keep the copies they have."""
    template = tool_templates.get_tool_template(tool_template_id)
    if template.tool_type != ToolTemplate.Kind.FUNCTION:
        messages.info(request, _("This template is changed over the API."))
        return redirect("tool_template_list")
    return _tool_edited(request, template)


def _tool_edited(request: MemberRequest, template: ToolTemplate | None) -> HttpResponse:
    is_post = request.method == "POST"
    form = ToolTemplateForm(
        request.POST if is_post else None, initial=_tool_answers(template)
    )
    if is_post and form.is_valid():
        data = form.cleaned_data
        tool_templates.save_tool_template(
            organization=request.organization,
            template=template,
            name=data["title"],
            description=data["description"],
            kind=ToolTemplate.Kind.FUNCTION,
            config={
                "name": data["name"],
                "description": data["description"],
                "parameters": data["parameters"],
                "url": data["url"],
                "async": data["run_async"],
                "message": data["message"] or None,
            },
            secret=None if data["secret"] == MASK else data["secret"],
            actor=request.user,
        )
        messages.success(request, _("Saved in the library."))
        return redirect("tool_template_list")
    return render(
        request,
        "assistants/tool_template_form.html",
        {"form": form, "template": template},
        status=422 if form.errors else 200,
    )


def _tool_answers(template: ToolTemplate | None) -> dict[str, Any]:
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


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_copy(request: MemberRequest, tool_slug: str) -> HttpResponse:
    """Put a tool that comes with the product among one's own, to be given an address."""
    template = tool_templates.copy_starter_tool(
        organization=request.organization,
        starter=starter_of(starters().tools, tool_slug),
        actor=request.user,
    )
    messages.success(request, _("Copied. Give it the address of your service."))
    return redirect("tool_template_edit", template.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def tool_template_delete(
    request: MemberRequest, tool_template_id: UUID
) -> HttpResponse:
    """Delete a template; assistants keep their copies."""
    template = tool_templates.get_tool_template(tool_template_id)
    tool_templates.delete_tool_template(template=template, actor=request.user)
    messages.success(request, _("%(name)s was deleted.") % {"name": template.name})
    return redirect("tool_template_list")


# --- analyses -------------------------------------------------------------------------
@require_GET
@requires(Permission.ASSISTANTS_READ)
def analysis_template_list(request: MemberRequest) -> HttpResponse:
    """The organization's analyses, and those that come with the product."""
    words = search_words(request)
    rows = analysis_templates.search_analysis_templates(words)
    return _listed(request, analysis_shelf(), rows, starters().analyses, words)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def analysis_template_new(request: MemberRequest) -> HttpResponse:
    """Make an analysis for the library."""
    return _analysis_edited(request, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def analysis_template_edit(
    request: MemberRequest, analysis_template_id: UUID
) -> HttpResponse:
    """Change an analysis of the library; assistants keep the copies they have."""
    template = analysis_templates.get_analysis_template(analysis_template_id)
    return _analysis_edited(request, template)


def _analysis_edited(
    request: MemberRequest, template: AnalysisTemplate | None
) -> HttpResponse:
    is_post = request.method == "POST"
    names = list(AnalysisTemplateForm.base_fields)
    answers = {name: getattr(template, name) for name in names} if template else {}
    form = AnalysisTemplateForm(request.POST if is_post else None, initial=answers)
    if is_post and form.is_valid():
        analysis_templates.save_analysis_template(
            organization=request.organization,
            template=template,
            values=form.cleaned_data,
            actor=request.user,
        )
        messages.success(request, _("Saved in the library."))
        return redirect("analysis_template_list")
    return render(
        request,
        "assistants/analysis_template_form.html",
        {"form": form, "template": template},
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def analysis_template_copy(request: MemberRequest, analysis_slug: str) -> HttpResponse:
    """Put an analysis that comes with the product among one's own."""
    template = analysis_templates.copy_starter_analysis(
        organization=request.organization,
        starter=starter_of(starters().analyses, analysis_slug),
        actor=request.user,
    )
    messages.success(request, _("Copied. Change it as you like."))
    return redirect("analysis_template_edit", template.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def analysis_template_delete(
    request: MemberRequest, analysis_template_id: UUID
) -> HttpResponse:
    """Delete a template; assistants keep their copies."""
    template = analysis_templates.get_analysis_template(analysis_template_id)
    analysis_templates.delete_analysis_template(template=template, actor=request.user)
    messages.success(request, _("%(name)s was deleted.") % {"name": template.name})
    return redirect("analysis_template_list")
