"""Recordings behind a signed link that is good for an hour, for players and programs."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase
from ninja import Router

from calls.models import Call
from calls.queries import get_call
from calls.views.recordings import recording_response
from portal.api.access import api_public
from portal.api.errors import LinkExpired
from portal.scope import all_organizations

router = Router(tags=["Recordings"])
LINK_TTL_S: Final = 3600
_signer = signing.TimestampSigner(salt="calls.recording")


def recording_url(request: HttpRequest, call: Call) -> str | None:
    """Return a link to the sound of a call on the host that was asked; `None`: no sound."""
    if not call.recording:
        return None
    return request.build_absolute_uri(
        f"/api/v1/recordings/{_signer.sign(str(call.pk))}"
    )


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
