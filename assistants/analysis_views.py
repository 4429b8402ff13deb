"""The page on what is found out after an assistant's calls."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import analysis_templates
from assistants.analysis_forms import AnalysisForm, initial_of
from assistants.analysis_plan import AnalysisPlan, StructuredDataPlan
from assistants.editing import change_spec
from assistants.faults import NotSound
from assistants.library import insertable, starter_of, starters_for
from assistants.models import AnalysisTemplate, Assistant
from assistants.pages import page_of, tell_kept
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.sovereignty import OutsideRegion
from assistants.spec import AssistantSpec
from assistants.templates import get_template
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_analysis(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """What is found out after each call: a summary, facts, and whether it went well."""
    assistant = get_assistant(assistant_id)
    plan = working_spec(assistant).analysis_plan
    is_post = request.method == "POST"
    form = AnalysisForm(request.POST if is_post else None, initial=initial_of(plan))
    if is_post and form.is_valid() and _kept(request, assistant, form):
        return redirect("assistant_analysis", assistant.pk)
    return render(
        request,
        "assistants/assistant_analysis.html",
        page_of(request, assistant) | {"form": form, "plan": plan},
        status=422 if form.errors else 200,
    )


@require_GET
@requires(Permission.ASSISTANTS_EDIT)
def assistant_analysis_library(
    request: MemberRequest, assistant_id: UUID
) -> HttpResponse:
    """The library's analyses, to be inserted into one assistant."""
    assistant = get_assistant(assistant_id)
    context = page_of(request, assistant) | insertable(
        request, AnalysisTemplate, speaks=working_spec(assistant).language
    )
    return render(request, "assistants/assistant_analysis_library.html", context)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_analysis_insert(
    request: MemberRequest, assistant_id: UUID, analysis_template_id: UUID
) -> HttpResponse:
    """Copy one of the organization's own analyses into the assistant."""
    template = get_template(AnalysisTemplate, analysis_template_id)
    return _inserted(
        request, get_assistant(assistant_id), analysis_templates.plan_of(template)
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_analysis_insert_starter(
    request: MemberRequest, assistant_id: UUID, analysis_slug: str
) -> HttpResponse:
    """Copy an analysis that comes with the product into the assistant."""
    assistant = get_assistant(assistant_id)
    speaks = working_spec(assistant).language
    starter = starter_of(starters_for(request, speaks).analyses, analysis_slug)
    facts = StructuredDataPlan(schema=starter.object_schema)
    return _inserted(request, assistant, AnalysisPlan(structured_data_plan=facts))


def _inserted(
    request: MemberRequest, assistant: Assistant, inserted: AnalysisPlan
) -> HttpResponse:
    """Take over the facts and the threshold; summary and judgement stay the assistant's."""

    def change(spec: AssistantSpec) -> AssistantSpec:
        plan = (spec.analysis_plan or AnalysisPlan()).model_copy(
            update={
                "structured_data_plan": inserted.structured_data_plan,
                "min_messages_threshold": inserted.min_messages_threshold,
            }
        )
        return spec.model_copy(update={"analysis_plan": plan})

    try:
        _change(request, assistant, change)
    except (NotSound, OutsideRegion) as refusal:
        messages.error(request, str(refusal))
    return redirect("assistant_analysis", assistant.pk)


def _kept(request: MemberRequest, assistant: Assistant, form: AnalysisForm) -> bool:
    """Keep the plan; False, and the reason beside its field, when it is refused."""

    def change(spec: AssistantSpec) -> AssistantSpec:
        plan = form.plan(spec.analysis_plan)
        return spec.model_copy(update={"analysis_plan": plan})

    try:
        _change(request, assistant, change)
    except (NotSound, OutsideRegion) as refusal:
        _blame(form, refusal)
        return False
    return True


def _change(
    request: MemberRequest,
    assistant: Assistant,
    change: Callable[[AssistantSpec], AssistantSpec],
) -> None:
    """Change the plan and say what became of it, or raise and change nothing."""
    version = change_spec(
        assistant=assistant, change=change, about="analysis_plan", actor=request.user
    )
    tell_kept(request, version)


def _blame(form: AnalysisForm, refusal: NotSound | OutsideRegion) -> None:
    for fault in refusal.faults:
        is_ours = fault.param.startswith("analysis_plan")
        form.add_error("model" if is_ours else None, fault.message)
