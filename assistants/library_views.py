"""Pages of the library: analyses kept to be copied into assistants."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import analysis_templates
from assistants.analysis_forms import AnalysisTemplateForm
from assistants.library import (
    analysis_shelf,
    copied,
    deleted,
    shelf_page,
    starter_of,
    starters_for,
)
from assistants.models import AnalysisTemplate
from assistants.templates import get_template
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_GET
@requires(Permission.ASSISTANTS_READ)
def analysis_template_list(request: MemberRequest) -> HttpResponse:
    """The organization's analyses, and those that come with the product."""
    ours = starters_for(request).analyses
    return shelf_page(request, analysis_shelf(), AnalysisTemplate, ours)


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
    template = get_template(AnalysisTemplate, analysis_template_id)
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
        starter=starter_of(starters_for(request).analyses, analysis_slug),
        actor=request.user,
    )
    return copied(request, template, _("Copied. Change it as you like."))


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def analysis_template_delete(
    request: MemberRequest, analysis_template_id: UUID
) -> HttpResponse:
    """Delete a template; assistants keep their copies."""
    return deleted(request, get_template(AnalysisTemplate, analysis_template_id))
