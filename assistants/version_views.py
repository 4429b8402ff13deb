"""Pages about an assistant's versions and its draft: list, compare, publish, restore."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from assistants import editing, services
from assistants.differences import differences
from assistants.faults import NotSound, faults_of
from assistants.models import Assistant, AssistantVersion
from assistants.pages import page_of
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.sovereignty import OutsideRegion
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 25
DRAFT = "draft"


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_versions(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Every version, newest first, and the draft above them."""
    assistant = get_assistant(assistant_id)
    rows = assistant.versions.select_related("created_by")
    context = page_of(request, assistant) | {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    }
    return render(request, "assistants/assistant_versions.html", context)


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_compare(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Two states of an assistant side by side: `?from=3&to=draft`.

    Without a choice: what the draft changes, else what the last version did.
    """
    assistant = get_assistant(assistant_id)
    before, after = _chosen(request, assistant)
    numbers = assistant.versions.values_list("number", flat=True)[:200]
    context = page_of(request, assistant) | {
        "before": before,
        "after": after,
        "changes": differences(_state(assistant, before), _state(assistant, after)),
        "numbers": [str(number) for number in numbers],
        "faults": faults_of(working_spec(assistant)) if after == DRAFT else [],
    }
    return render(request, "assistants/assistant_compare.html", context)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_publish(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Let the next call use the draft."""
    assistant = get_assistant(assistant_id)
    try:
        version = editing.publish(assistant=assistant, actor=request.user)
    except (NotSound, OutsideRegion) as refusal:
        messages.error(request, _refused(refusal))
        return redirect("assistant_compare", assistant.pk)
    messages.success(
        request,
        _("Version %(number)s is published. The next call uses it.")
        % {"number": version.number},
    )
    return redirect("assistant_versions", assistant.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_discard(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """Throw the draft away."""
    assistant = get_assistant(assistant_id)
    services.discard_draft(assistant=assistant, actor=request.user)
    messages.success(request, _("The draft is gone. Calls use what they used."))
    return redirect("assistant_versions", assistant.pk)


@require_POST
@requires(Permission.ASSISTANTS_EDIT)
def assistant_restore(
    request: MemberRequest, assistant_id: UUID, number: int
) -> HttpResponse:
    """Make an earlier version the one of the next call again."""
    assistant = get_assistant(assistant_id)
    version = _version(assistant, number)
    try:
        made = editing.restore(assistant=assistant, version=version, actor=request.user)
    except (NotSound, OutsideRegion) as refusal:
        messages.error(request, _refused(refusal))
    else:
        messages.success(
            request,
            _("Version %(old)s is back, as version %(new)s. The next call uses it.")
            % {"old": number, "new": made.number},
        )
    return redirect("assistant_versions", assistant.pk)


def _refused(refusal: NotSound | OutsideRegion) -> str:
    fault = refusal.faults[0]
    return _("Not published. %(param)s: %(message)s") % {
        "param": fault.param,
        "message": fault.message,
    }


def _version(assistant: Assistant, number: int) -> AssistantVersion:
    # A number that the column cannot hold is one that no version has.
    version = (
        assistant.versions.filter(number=number).first() if number < 2**31 else None
    )
    if version is None:
        raise Http404("No such version.")
    return version


def _chosen(request: MemberRequest, assistant: Assistant) -> tuple[str, str]:
    assert assistant.current_version is not None
    current = assistant.current_version.number
    if assistant.has_draft:
        before, after = str(current), DRAFT
    else:
        before, after = str(max(1, current - 1)), str(current)
    return request.GET.get("from") or before, request.GET.get("to") or after


def _state(assistant: Assistant, name: str) -> Any:
    if name == DRAFT and assistant.has_draft:
        return working_spec(assistant)
    if not (name.isascii() and name.isdigit() and len(name) <= 10):
        raise Http404("No such version.")
    return _version(assistant, int(name)).spec
