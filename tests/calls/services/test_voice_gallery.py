"""Voices to listen to before one is chosen: found by filters, rendered once, then kept."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.urls import reverse

from tests.world import House, browser

pytestmark = pytest.mark.django_db


def found(house: House, **filters: str) -> set[tuple[str, str]]:
    """Provider and voice of every page that these filters leave."""
    dora = browser(house, house.people["dora"])
    offers: set[tuple[str, str]] = set()
    number, pages = 0, 1
    while number < pages:
        number += 1
        query = filters | {"page": str(number)}
        page = dora.get(reverse("voice_list"), query).context["page"]
        offers |= {(offer.provider.id, offer.voice.id) for offer in page}
        pages = page.paginator.num_pages
    return offers


def test_voices_are_found_by_language_gender_provider_and_region(
    bakery: House,
) -> None:
    everything = found(bakery)
    dutch = found(bakery, language="nl", provider="inworld")
    assert dutch == {("inworld", "Katrien"), ("inworld", "Lennart")}
    women = found(bakery, language="nl", provider="inworld", gender="female")
    assert women == {("inworld", "Katrien")}
    european = {provider for provider, _voice in found(bakery, region="eu")}
    assert european == {"azure", "google", "mistral"}
    own = {provider for provider, _voice in found(bakery, region="own")}
    assert own == {"offline"}
    assert {provider for provider, _voice in everything} > {"elevenlabs", "xai"}
    assert found(bakery, language="klingon") == everything  # no such filter
    dora = browser(bakery, bakery.people["dora"])
    nothing = dora.get(reverse("voice_list"), {"provider": "groq", "region": "eu"})
    assert "No such voice" in nothing.content.decode()


@pytest.mark.slow
def test_a_sample_is_rendered_once_and_then_kept(
    bakery: House, settings: Any, tmp_path: Any
) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "voices": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("voice_sample", args=["offline", "flite-slt"])
    answer = dora.get(at)
    assert answer.status_code == 200, answer.content
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    [name] = storages["voices"].listdir("")[1]
    storages["voices"].delete(name)
    storages["voices"].save(name, ContentFile(b"RIFF kept"))
    assert dora.get(at).content == b"RIFF kept"


def test_a_voice_without_a_key_cannot_be_listened_to(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    for provider, voice in (("xai", "ara"), ("offline", "nobody"), ("nobody", "ara")):
        at = reverse("voice_sample", args=[provider, voice])
        assert dora.get(at).status_code == 404


def test_a_voice_is_asked_for_with_somebodys_own_key(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.VENDOR_KEYS = {}
    own = {"xai": {"api_key": "own-key", "payer": "organization", "config": {}}}
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="key"):
        call_command("voice_sample", "xai", "ara", "Hello.")
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(own)))
    # The network is closed here: it got as far as the vendor's door.
    with pytest.raises(CommandError) as refused:
        call_command("voice_sample", "xai", "ara", "Hello.")
    assert "Add" not in str(refused.value)
