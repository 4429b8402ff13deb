"""How a voice sounds, over REST, before it is chosen."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from assistants.catalogue import Stage, catalogue, is_available
from assistants.keys import keys_at_hand, own_keys
from calls.services.voice_samples import NoSample, sample
from portal.api.access import ASKS_NO_VENDOR, api_requires, require_live_key
from portal.api.errors import VendorFailed
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Voices"])


class SampleWanted(BaseModel):
    """A voice of `/voices`; `language` is for those that speak several."""

    provider: str = Field(max_length=40, examples=["offline"])
    voice_id: str = Field(max_length=200, examples=["flite-rms"])
    language: str = Field("en", max_length=10)


@router.get("/sample")
@api_requires(Permission.ASSISTANTS_READ)
def hear_voice(
    request: KeyRequest, wanted: Annotated[SampleWanted, Query()]
) -> HttpResponse:
    """One voice saying a sentence, as WAV. The first time it takes a few seconds."""
    organization = request.organization
    provider = catalogue().find(Stage.TTS, wanted.provider)
    voice = provider.voice(wanted.voice_id) if provider else None
    if provider is None or voice is None or not is_available(provider, keys_at_hand()):
        raise Http404("No such voice.")
    if not provider.is_demo:
        require_live_key(request, ASKS_NO_VENDOR)
    try:
        sound = sample(
            provider,
            voice,
            wanted.language,
            own_keys(organization.agency_id, organization.pk),
        )
    except NoSample as error:
        raise VendorFailed(str(error)) from error
    return HttpResponse(sound, content_type="audio/wav")
