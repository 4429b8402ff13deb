"""From words to a proposal: any model, both keys, one repair, and nothing saved unseen."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assistants.models import Assistant
from assistants.proposals import Proposal, proposed_spec
from assistants.services import working_spec
from calls.services import drafting
from calls.services.dictation import BadSound, read_sound
from calls.services.drafting import (
    NoModel,
    NoProposal,
    VendorRefused,
    mind_at_hand,
    propose,
)
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.calls.services.test_analysis import openai
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.vendor_wire import BAD_KEY
from tests.world import House, browser, desk_spec

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
__all__ = ["openai"]

FIELD = {"name": "day", "kind": "string", "description": "Which day", "required": True}
PROPOSED: dict[str, Any] = {
    "instructions": "You are the front desk of Bella.\nBook tables.",
    "first_message": "Bella, good evening.",
    "tools": [
        {
            "name": "Book table!",
            "description": "Books a table.",
            "message": "One moment.",
            "fields": [FIELD],
        }
    ],
    "facts": [FIELD | {"name": "number of guests", "kind": "integer"}],
}


def ask(house: House, wish: str = "A restaurant called Bella.") -> Proposal:
    with organization_scope(house.organization):
        return propose(
            organization=house.organization, spec=desk_spec(), wish=wish, actor=None
        )


def test_words_become_a_proposal(bakery: House, openai: OpenAIServer) -> None:
    openai.replies = [Reply(json.dumps(PROPOSED))]
    found = ask(bakery)
    spec = proposed_spec(desk_spec(), found)
    assert spec.llm_config.instructions == PROPOSED["instructions"]
    assert spec.first_message == "Bella, good evening."
    [end, book] = spec.llm_config.tools
    assert (end.name, book.name) == ("end_call", "Book_table")
    assert book.type == "function"
    assert book.function.parameters["required"] == ["day"]
    assert spec.analysis_plan is not None
    assert spec.analysis_plan.structured_data_plan is not None
    facts = spec.analysis_plan.structured_data_plan.json_schema["properties"]
    assert facts["number_of_guests"]["type"] == "integer"
    asked = json.dumps(openai.requests[0])
    assert "A restaurant called Bella." in asked


def test_an_answer_that_does_not_fit_is_repaired_once(
    bakery: House, openai: OpenAIServer
) -> None:
    openai.replies = [
        Reply("Certainly!"),
        Reply(f"```json\n{json.dumps(PROPOSED)}\n```"),
    ]
    assert ask(bakery).first_message == "Bella, good evening."
    openai.replies = [Reply("Certainly!"), Reply("{}")]
    with pytest.raises(NoProposal):
        ask(bakery)


def test_a_vendors_refusal_is_passed_on(bakery: House, openai: OpenAIServer) -> None:
    openai.faults = [BAD_KEY, BAD_KEY]
    with pytest.raises(VendorRefused):
        ask(bakery)


def test_a_model_is_not_asked_without_end(
    bakery: House, openai: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "PER_HOUR", 0)
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_describe", args=[bakery.assistant.pk])
    answer = dora.post(at, {"wish": "Take orders for bread."})
    assert answer.status_code == 422
    assert "too often" in answer.content.decode()
    at = reverse("assistant_dictate", args=[bakery.assistant.pk])
    assert dora.post(at).status_code == 429
    assert openai.requests == []


def test_without_a_model_nobody_is_asked(bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {}
    settings.VENDOR_BASE_URLS = {}
    with pytest.raises(NoModel):
        ask(bakery)
    at = reverse("assistant_describe", args=[bakery.assistant.pk])
    page = browser(bakery, bakery.people["dora"]).get(at)
    assert "No language model is set up" in page.content.decode()
    assert reverse("provider_key_list") in page.content.decode()


def test_the_policy_chooses_who_reads_it(bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {"openai": "k", "mistral": "k"}
    with organization_scope(bakery.organization):
        free = mind_at_hand(bakery.organization, desk_spec())
        save_privacy(organization=bakery.organization, regions="eu", actor=None)
        bound = mind_at_hand(bakery.organization, desk_spec())
    assert free is not None
    assert free.provider == "openai"
    assert bound is not None
    assert bound.provider == "mistral"


def test_what_is_proposed_is_looked_at_and_kept_in_the_draft(
    bakery: House, openai: OpenAIServer
) -> None:
    openai.replies = [Reply(json.dumps(PROPOSED))]
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_describe", args=[bakery.assistant.pk])
    page = dora.post(at, {"wish": "A restaurant"})
    assert page.status_code == 200
    changed = [change.param for change in page.context["changes"]]
    assert {"instructions", "first_message", "tools.Book_table"} <= set(changed)
    keep = reverse("assistant_describe_keep", args=[bakery.assistant.pk])
    proposal = page.context["form"]["proposal"].value()
    dora.post(keep, {"proposal": proposal, "parts": ["instructions", "tools"]})
    with organization_scope(bakery.organization):
        assistant = Assistant.objects.get(pk=bakery.assistant.pk)
        spec = working_spec(assistant)
        assert assistant.has_draft
        assert assistant.versions.count() == 1
    assert spec.llm_config.instructions == PROPOSED["instructions"]
    assert spec.first_message == "Hello, how can I help you?"
    assert spec.analysis_plan is None


def test_a_bad_wish_or_proposal_is_refused(bakery: House, openai: OpenAIServer) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_describe", args=[bakery.assistant.pk])
    for wish in ("", "x" * 4_001):
        page = dora.post(at, {"wish": wish})
        assert page.status_code == 422
        assert "wish" in page.context["form"].errors
    openai.replies = [Reply("no"), Reply("no")]
    page = dora.post(at, {"wish": "A restaurant"})
    assert "could not be used" in page.context["form"].errors["wish"][0]
    keep = reverse("assistant_describe_keep", args=[bakery.assistant.pk])
    assert dora.post(keep, {"proposal": "{", "parts": ["tools"]}).status_code == 302
    good = Proposal.model_validate(PROPOSED).model_dump_json()
    page = dora.post(keep, {"proposal": good, "parts": []})
    assert page.status_code == 422
    assert "parts" in page.context["form"].errors
    with organization_scope(bakery.organization):
        assert not Assistant.objects.get(pk=bakery.assistant.pk).has_draft


# --- dictation ------------------------------------------------------------------------
def recording(seconds: float = 0.5, rate_hz: int = 48_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(b"\0\0" * round(rate_hz * seconds))
    return file.getvalue()


def test_a_recording_becomes_samples_as_recognisers_take_them() -> None:
    samples = read_sound(recording(0.5))
    assert len(samples) == pytest.approx(16_000, abs=1_000)
    assert len(read_sound(recording(130, 8_000))) == 120 * 16_000 * 2


@pytest.mark.parametrize("sound", [b"", b"nonsense", b"RIFF" * 40, b"x" * 5_000_001])
def test_what_is_no_sound_is_refused(sound: bytes) -> None:
    with pytest.raises(BadSound):
        read_sound(sound)


def test_what_was_said_is_written_down(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_dictate", args=[bakery.assistant.pk])
    answer = dora.post(at, {"sound": SimpleUploadedFile("a", recording())})
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"text": ""}  # it was silence
    bad = dora.post(at, {"sound": SimpleUploadedFile("a", b"nonsense")})
    assert bad.status_code == 400
    assert "cannot be read" in bad.json()["error"]["message"]
