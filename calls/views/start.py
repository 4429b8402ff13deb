"""Starting a call in the browser: JSON in and out, for `static/js/call`."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from assistants.queries import get_assistant
from billing.errors import NotEnoughCredits
from calls.browser import browser_ticket
from calls.errors import CallRefused, NoCapacity, TooManyCalls
from calls.services.web import (
    StartedWebCall,
    start_text_chat,
    start_web_call,
)
from portal.api.errors import error_body
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_POST
@requires(Permission.CALLS_START)
def call_start(request: MemberRequest, assistant_id: UUID) -> JsonResponse:
    """Answer 201 with what the browser needs to join, or say why not."""
    return _started(request, assistant_id, start_web_call)


@require_POST
@requires(Permission.CALLS_START)
def text_start(request: MemberRequest, assistant_id: UUID) -> JsonResponse:
    """Answer 201 with what the browser needs to write with an assistant, or say why not."""
    return _started(request, assistant_id, start_text_chat)


def _started(
    request: MemberRequest, assistant_id: UUID, start: Callable[..., StartedWebCall]
) -> JsonResponse:
    assistant = get_assistant(assistant_id)
    try:
        started = start(
            organization=request.organization, assistant=assistant, actor=request.user
        )
    except NotEnoughCredits as error:
        # Whose credits are gone is the agency's business, not its client's.
        text = _("Calls are not available right now. Contact support.")
        if error.owner != "agency":
            text = _("Not enough credits. Add credits, then try again.")
        return JsonResponse(error_body("insufficient_credits", text), status=402)
    except CallRefused as error:
        status = 429 if isinstance(error, TooManyCalls) else 409
        status = 503 if isinstance(error, NoCapacity) else status
        return JsonResponse(error_body(error.code, _(str(error))), status=status)
    ticket = browser_ticket(
        started, host=request.get_host(), is_secure=request.is_secure()
    )
    ticket["call_url"] = reverse("call_detail", args=[started.call.pk])
    return JsonResponse(ticket, status=201)
