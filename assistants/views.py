"""Pages about assistants. "Talk to it" belongs to calls, which puts it on this page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import services
from assistants.catalogue import Provider, Stage, catalogue, label_of, language_name
from assistants.editing import keep_and_publish, keep_spec
from assistants.faults import NotSound
from assistants.first_answers import (
    first_answers,
    gallery,
    language_of_voice,
    starting_points,
)
from assistants.forms import AssistantForm
from assistants.library import language_of_starters
from assistants.models import Assistant, AssistantVersion
from assistants.own_endpoint import endpoint_of
from assistants.pages import page_of, tell_kept
from assistants.queries import get_assistant, visible_assistants
from assistants.spec import AssistantSpec
from portal.headers import uses_microphone
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 25


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_list(request: MemberRequest) -> HttpResponse:
    """Every assistant of the organization, by name, with a search."""
    words = request.GET.get("q", "").strip()[:100]
    rows = visible_assistants()
    if words:
        rows = rows.filter(name__icontains=words.replace("\x00", ""))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, object] = {"page": page, "words": words}
    if not page.object_list and not words:
        language = language_of_starters(request)
        context["cards"] = starting_points(QueryDict(), language)
    return render(request, "assistants/assistant_list.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_new(request: MemberRequest) -> HttpResponse:
    """Create an assistant, from one that comes with the product or from nothing."""
    voice = request.GET.get("voice", "")
    language = language_of_starters(request, language_of_voice(voice))
    slug = request.GET.get("from", "")
    form = AssistantForm(
        request.POST if request.method == "POST" else None,
        initial=first_answers(slug=slug, language=language, voice=voice),
    )
    if request.method == "POST" and form.is_valid():
        assistant = services.create_assistant(
            organization=request.organization, spec=form.spec, actor=request.user
        )
        messages.success(request, _("Saved. Talk to it to hear how it sounds."))
        return redirect("assistant_detail", assistant.pk)
    return render(
        request,
        "assistants/assistant_form.html",
        {
            "form": form,
            "assistant": None,
            "sections": sections(),
            "gallery": None if form.is_bound else gallery(request.GET, language),
        },
        status=422 if form.errors else 200,
    )


@require_GET
@requires(Permission.ASSISTANTS_READ)
@uses_microphone
def assistant_detail(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """One assistant: talk to it, read what it was told."""
    assistant = get_assistant(assistant_id)
    context = page_of(request, assistant) | _shown(assistant)
    return render(request, "assistants/assistant_detail.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.ASSISTANTS_EDIT)
def assistant_edit(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Change an assistant; the next call uses what was saved, unless a draft is open."""
    return _edited(request, assistant_id, keep_spec)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_edit_draft(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Keep the changes as a draft that no call uses yet."""
    return _edited(request, assistant_id, partial(keep_spec, as_draft=True))


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_edit_publish(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Keep the changes and publish all of the draft with them."""
    return _edited(request, assistant_id, keep_and_publish)


def _edited(
    request: MemberRequest,
    assistant_id: UUID,
    keep: Callable[..., AssistantVersion | None],
) -> HttpResponse:
    assistant = get_assistant(assistant_id)
    form = AssistantForm(
        request.POST if request.method == "POST" else None,
        spec=services.working_spec(assistant),
    )
    if request.method == "POST" and form.is_valid():
        try:
            version = keep(assistant=assistant, spec=form.spec, actor=request.user)
        except (
            NotSound
        ) as refusal:  # in a part of the draft that this form does not ask
            form.refuse(refusal.faults)
        else:
            tell_kept(request, version)
            page = "assistant_edit" if version is None else "assistant_detail"
            return redirect(page, assistant.pk)
    return render(
        request,
        "assistants/assistant_form.html",
        page_of(request, assistant)
        | {
            "form": form,
            "sections": sections(),
            "webhook": endpoint_of(assistant),
        },
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_activate(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Let it take calls."""
    return _set_active(request, assistant_id, is_active=True)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_deactivate(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Stop it from taking calls."""
    return _set_active(request, assistant_id, is_active=False)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_fields(request: MemberRequest) -> HttpResponse:
    """The form again, for the providers that are chosen now; nothing is checked."""
    form = AssistantForm(request.POST).unchecked()
    return render(request, "assistants/assistant_form.html#fields", {"form": form})


def _set_active(
    request: MemberRequest, assistant_id: UUID, *, is_active: bool
) -> HttpResponse:
    assistant = get_assistant(assistant_id)
    services.set_active(assistant=assistant, is_active=is_active, actor=request.user)
    return redirect("assistant_detail", assistant.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_delete(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Delete an assistant; its calls stay."""
    assistant = get_assistant(assistant_id)
    services.delete_assistant(assistant=assistant, actor=request.user)
    messages.success(
        request, _("%(name)s was deleted. Its calls stay.") % {"name": assistant.name}
    )
    return redirect("assistant_list")


def _shown(assistant: Assistant) -> dict[str, object]:
    assert assistant.current_version is not None
    spec = assistant.current_version.spec
    mind = catalogue().find_mind(spec.llm_config.provider)
    return {
        "assistant": assistant,
        "spec": spec,
        "is_demo_model": bool(mind and mind.is_demo),
        "facts": _facts(spec, mind),
    }


def _facts(spec: AssistantSpec, mind: Provider | None) -> list[dict[str, str]]:
    facts = [
        (_("Model"), label_of(mind) if mind else spec.llm_config.provider),
        (_("Voice"), _voice_name(spec, mind)),
        (_("Language"), language_name(spec.language)),
    ]
    if spec.stt_config is not None:
        stt = catalogue().find(Stage.STT, spec.stt_config.provider)
        name = label_of(stt) if stt else spec.stt_config.provider
        facts.append((_("Speech recognition"), name))
    longest = _("%(count)s minutes") % {"count": spec.max_duration_seconds // 60}
    facts.append((_("Longest call"), longest))
    return [{"label": label, "value": value} for label, value in facts]


def _voice_name(spec: AssistantSpec, mind: Provider | None) -> str:
    if spec.tts_config is None:
        voice_id = spec.llm_config.voice or (mind.default_voice if mind else "")
        provider = mind
    else:
        voice_id = spec.tts_config.voice_id
        provider = catalogue().find(Stage.TTS, spec.tts_config.provider)
    voice = provider.voice(voice_id) if provider else None
    return voice.label if voice else voice_id


def sections() -> list[dict[str, str]]:
    """Return the parts of the form, in its order."""
    names = {
        "identity": _("Identity"),
        "conversation": _("Conversation"),
        "model": _("Model"),
        "voice": _("Voice"),
        "hearing": _("Hearing"),
        "timing": _("Timing"),
        "silence": _("Silence"),
        "ending": _("Ending"),
        "advanced": _("Advanced"),
    }
    return [{"label": label, "url": f"#{name}"} for name, label in names.items()]
