"""Pages that copy assistants, and take them out and in as files."""

from __future__ import annotations

import json
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import services
from assistants.faults import NotSound
from assistants.porting.exporting import exported
from assistants.porting.forms import ImportForm
from assistants.porting.importing import Imported, NotAnAssistant, imported
from assistants.queries import get_assistant, name_of_copy
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_duplicate(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Make another assistant of the current version."""
    assistant = get_assistant(assistant_id)
    made = services.duplicate_assistant(
        assistant=assistant, name=name_of_copy(assistant), actor=request.user
    )
    messages.success(request, _("Copied. Numbers and campaigns stay with the first."))
    return redirect("assistant_detail", made.pk)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_export(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """The current version as a file, without secrets."""
    assistant = get_assistant(assistant_id)
    answer = JsonResponse(exported(assistant), json_dumps_params={"indent": 2})
    name = slugify(assistant.name) or "assistant"
    answer["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_import(request: MemberRequest) -> HttpResponse:
    """Choose a file; see what becomes of it before anything is saved."""
    is_post = request.method == "POST"
    form = ImportForm(request.POST if is_post else None, request.FILES or None)
    if is_post and form.is_valid() and (found := _read(form)) is not None:
        return _reviewed(request, form, found)
    return render(
        request,
        "assistants/assistant_import.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_import_create(request: MemberRequest) -> HttpResponse:
    """Create what was looked at."""
    form = ImportForm(request.POST)
    found = _read(form) if form.is_valid() else None
    if found is None:
        return render(
            request, "assistants/assistant_import.html", {"form": form}, status=422
        )
    name = form.cleaned_data["name"] or found.spec.name
    assistant = services.create_assistant(
        organization=request.organization,
        spec=found.spec.model_copy(update={"name": name}),
        actor=request.user,
    )
    messages.success(request, _("Imported. Talk to it to hear how it sounds."))
    return redirect("assistant_detail", assistant.pk)


def _read(form: ImportForm) -> Imported | None:
    """Return what the file makes; None, and every reason in the form, when it is refused."""
    try:
        return imported(form.cleaned_data["document"])
    except NotAnAssistant as error:
        form.add_error("text", str(error))
    except NotSound as error:
        for fault in error.faults:
            form.add_error(None, f"{fault.param}: {fault.message}")
    return None


def _reviewed(
    request: MemberRequest, form: ImportForm, found: Imported
) -> HttpResponse:
    spec = found.spec
    facts = [
        (_("Model"), spec.llm_config.model),
        (_("Speech recognition"), spec.stt_config.model if spec.stt_config else ""),
        (_("Voice"), spec.tts_config.voice_id if spec.tts_config else ""),
        (_("Language"), spec.language),
        (_("Tools"), ", ".join(t.name or "MCP" for t in spec.llm_config.tools)),
        (_("Analysis"), _("yes") if spec.analysis_plan else _("no")),
    ]
    create = ImportForm(
        initial={
            "name": spec.name,
            "text": json.dumps(form.cleaned_data["document"], ensure_ascii=False),
        }
    )
    context = {
        "form": create.hidden(),
        "found": found,
        "facts": [{"label": label, "value": value} for label, value in facts],
    }
    return render(request, "assistants/assistant_import_review.html", context)
