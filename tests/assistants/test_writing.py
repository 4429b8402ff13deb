"""Who answers in writing for a model that only speaks, and that the page says so."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.services import save_assistant
from assistants.spec import AssistantSpec
from assistants.writing import written_spec
from calls.models import Call, VoiceNode
from calls.services.own_settings import spec_of
from portal.policy import RegionRule
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.world import House, browser, desk_spec

LIVE = {
    "openai_live": "gpt-live-1",
    "xai_realtime": "grok-voice-think-fast-2.0",
    "google_realtime": "gemini-live-2.5-flash-native-audio",
}


def live_spec(provider: str, **llm: Any) -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True)
    kept = {k: values["llm_config"][k] for k in ("messages", "tools")}
    mind = {**kept, "provider": provider, "model": LIVE[provider], **llm}
    values |= {"llm_config": mind, "stt_config": None, "tts_config": None}
    return AssistantSpec.model_validate(values)


@pytest.mark.parametrize(
    ("provider", "keys", "answers"),
    [
        ("openai_live", {"openai"}, ("openai", "gpt-5.6-luna")),
        ("xai_realtime", {"xai", "openai"}, ("xai", "grok-4.3")),
        ("google_realtime", {"google_vertex"}, ("google", "gemini-3.5-flash-lite")),
    ],
)
def test_a_text_model_of_the_same_vendor_answers(
    provider: str, keys: set[str], answers: tuple[str, str]
) -> None:
    spec = live_spec(provider)
    written = written_spec(spec, keys, RegionRule.ANYWHERE)
    assert written is not None
    mind = written.llm_config
    assert (mind.provider, mind.model) == answers
    assert mind.messages == spec.llm_config.messages
    assert mind.tools == spec.llm_config.tools
    assert written.hears().provider == written.speaks().provider == "offline"


def test_what_thinks_behind_a_live_model_answers() -> None:
    spec = live_spec("openai_live", delegation={"model": "gpt-5.6-sol"})
    written = written_spec(spec, {"openai"}, RegionRule.ANYWHERE)
    assert written is not None
    assert written.llm_config.model == "gpt-5.6-sol"


def test_nobody_answers_without_a_key_or_beyond_the_rule() -> None:
    google = live_spec("google_realtime")
    assert written_spec(google, {"google", "openai"}, RegionRule.ANYWHERE) is None
    assert written_spec(live_spec("xai_realtime"), {"xai"}, RegionRule.EU) is None
    assert written_spec(google, {"google_vertex"}, RegionRule.EU) is not None
    plain = desk_spec()
    assert written_spec(plain, (), RegionRule.OWN) is plain


@pytest.mark.django_db
def test_a_chat_with_a_model_that_only_speaks_says_who_answers(
    bakery: House, node: VoiceNode, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"xai": "k"}
    with organization_scope(bakery.organization):
        spec = live_spec("xai_realtime")
        save_assistant(assistant=bakery.assistant, spec=spec, actor=None)
    dora = browser(bakery, bakery.people["dora"])
    settings_page = f"/assistants/{bakery.assistant.pk}/edit/"
    start = f"/assistants/{bakery.assistant.pk}/write/"
    page = dora.get(settings_page).content.decode()
    assert "In writing Grok 4.3 (xAI Grok) answers" in page
    answer = dora.post(start)
    assert answer.status_code == 201, answer.content
    with organization_scope(bakery.organization):
        call = Call.objects.get()
        assert (call.carrier, call.is_test) == ("text", False)
        assert spec_of(call).llm_config.provider == "xai"
        save_privacy(organization=bakery.organization, regions="eu", actor=None)
    page = dora.get(settings_page).content.decode()
    assert "This model only speaks" in page
    assert "text_panel" not in page
    answer = dora.post(start)
    assert answer.status_code == 409
    assert "only speaks" in answer.json()["error"]["message"]
