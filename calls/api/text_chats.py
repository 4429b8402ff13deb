"""Writing with an assistant over REST, to try what is worked on without a sound."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Router, Status

from assistants.queries import get_assistant
from calls.api.calls import WebCallStarted
from calls.browser import browser_ticket
from calls.services.web import start_text_chat
from portal.api.access import api_requires
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Assistants"])


@router.post("/{uuid:assistant_id}/text-chats", response={201: WebCallStarted})
@api_requires(Permission.CALLS_START, needs_live_key=True)
def write_with_assistant(
    request: KeyRequest, assistant_id: UUID
) -> Status[dict[str, Any]]:
    """Start a conversation in writing with the draft, or with the assistant as it is.

    It is joined like a browser's call and listed as one. With a model that costs nothing
    it is free.
    """
    started = start_text_chat(
        organization=request.organization,
        assistant=get_assistant(assistant_id),
        actor=None,
    )
    return Status(
        201,
        browser_ticket(started, host=request.get_host(), is_secure=request.is_secure()),
    )
