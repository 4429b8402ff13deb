"""Recordings over REST: the list, and the sound of one.

A program with a key reads `/calls/{id}/recording`; a player follows a signed link, which
is good for an hour and stands for a key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase
from ninja import Query, Router
from pydantic import BaseModel

from calls.errors import RecordingKept
from calls.models import Call
from calls.queries import filter_calls, get_call, visible_calls
from calls.services.recordings import delete_recording
from calls.views.recordings import recording_response
from portal.api.access import api_public, api_requires
from portal.api.errors import Conflict, LinkExpired
from portal.api.paging import Deleted, LongPagination, Period, page_of
from portal.http import KeyRequest
from portal.permissions import Permission
from portal.scope import all_organizations

router = Router(tags=["Recordings"])
of_calls = Router(tags=["Recordings"])
LINK_TTL_S: Final = 3600
_signer = signing.TimestampSigner(salt="calls.recording")


def recording_url(request: KeyRequest, call: Call) -> str | None:
    """Return a link to the sound of a call on the host that was asked; `None`: no sound."""
    if not call.recording:
        return None
    return request.build_absolute_uri(
        f"/api/v1/recordings/{_signer.sign(str(call.pk))}"
    )


class RecordingFilter(Period):
    """Which recordings are wanted."""

    assistant_id: UUID | None = None


class RecordingJson(BaseModel):
    """The sound of a call; `url` is good for an hour and needs no key."""

    call_id: UUID
    assistant_id: UUID | None
    direction: str
    duration_ms: int
    url: str
    created_at: datetime


class Recordings(BaseModel):
    recordings: list[RecordingJson]
    pagination: LongPagination


@router.get("", response=Recordings)
@api_requires(Permission.CALLS_READ)
def list_recordings(
    request: KeyRequest, wanted: Annotated[RecordingFilter, Query()]
) -> dict[str, Any]:
    """Calls with sound, newest first."""
    organization = request.organization
    calls = (
        filter_calls(visible_calls(), assistant_id=wanted.assistant_id)
        .exclude(recording="")
        .filter(**wanted.bounds(organization.time_zone).filter("created_at"))
    )
    page, said = page_of(calls, wanted, calls.count())
    return {
        "recordings": [
            {
                "call_id": call.pk,
                "assistant_id": call.assistant_id,
                "direction": call.direction,
                "duration_ms": call.recording_ms,
                "url": recording_url(request, call),
                "created_at": call.created_at,
            }
            for call in page
        ],
        "pagination": said,
    }


@of_calls.get("/{uuid:call_id}/recording")
@api_requires(Permission.CALLS_READ)
def download_recording(request: KeyRequest, call_id: UUID) -> HttpResponseBase:
    """The sound of a call, in whole or by a byte range."""
    return recording_response(request, get_call(call_id))


@of_calls.delete("/{uuid:call_id}/recording", response=Deleted)
@api_requires(Permission.PRIVACY_EDIT)
def remove_recording(request: KeyRequest, call_id: UUID) -> dict[str, bool]:
    """Delete the sound of a call that is over, for good; the transcript stays."""
    call = get_call(call_id)
    try:
        is_gone = delete_recording(call=call, actor=None)
    except RecordingKept as error:
        raise Conflict(str(error)) from error
    if not is_gone:
        raise Http404("This call has no recording.")
    return {"success": True}


@router.get("/{signed}")
@api_public
def play_recording(request: HttpRequest, signed: str) -> HttpResponseBase:
    """The sound of a call, in whole or by a byte range; the signature stands for a key."""
    try:
        call_id = UUID(_signer.unsign(signed, max_age=LINK_TTL_S))
    except signing.SignatureExpired as error:
        raise LinkExpired("This link has expired. Read the call again.") from error
    except (signing.BadSignature, ValueError) as error:
        raise Http404("No such recording.") from error
    portal = getattr(request, "portal", None)
    with all_organizations("the signature says which call it is"):
        call = get_call(call_id)
        if portal is not None and portal.agency_id != call.agency_id:
            raise Http404("No such recording.")
        return recording_response(request, call)
