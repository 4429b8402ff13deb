"""The form reaches every field, and drops nothing that the API set."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.forms import AssistantForm
from assistants.spec import AssistantSpec
from portal.scope import organization_scope
from tests.assistants.test_assistant_form import answers
from tests.world import House, desk_spec

pytestmark = pytest.mark.django_db
KEYS = {"openai": "k", "xai": "k", "deepgram": "k", "elevenlabs": "k"}


@pytest.fixture
def in_bakery(bakery: House, settings: Any) -> Any:
    settings.VENDOR_KEYS = dict(KEYS)
    with organization_scope(bakery.organization):
        yield bakery


def again(spec: AssistantSpec, **changes: Any) -> AssistantForm:
    return AssistantForm(answers(spec, **changes), spec=spec)


def with_fallbacks() -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True)
    values["llm_config"]["fallbacks"] = [
        {"provider": "openai", "model": "gpt-5.4", "temperature": 0.1},
        {"provider": "openai", "model": "gpt-4o-mini"},  # no longer offered
        {"provider": "demo", "model": "demo-1"},
    ]
    values["stt_config"]["fallbacks"] = [
        {"provider": "deepgram", "model": "nova-3", "keyterms": ["Acme"]},
        {"provider": "offline", "model": "pocketsphinx"},
    ]
    values["tts_config"]["fallbacks"] = [
        {"provider": "elevenlabs", "voice_id": "own-voice-of-theirs", "stability": 0.2},
        {"provider": "offline", "voice_id": "flite-slt"},
    ]
    return AssistantSpec.model_validate(values)


def test_stand_ins_that_the_api_set_stay_with_their_settings(in_bakery: House) -> None:
    spec = with_fallbacks()
    form = again(spec)
    assert form.is_valid(), form.errors
    assert form.spec.llm_config.fallbacks == spec.llm_config.fallbacks
    assert form.spec.hears().fallbacks == spec.hears().fallbacks
    assert form.spec.speaks().fallbacks == spec.speaks().fallbacks


def test_stand_ins_are_put_into_another_order_and_taken_out(in_bakery: House) -> None:
    form = again(
        with_fallbacks(),
        fallback_model="demo/demo-1",
        fallback_model_2="openai/gpt-5.4",
        fallback_model_3="",
    )
    assert form.is_valid(), form.errors
    found = form.spec.llm_config.fallbacks
    assert [(one.model, one.temperature) for one in found] == [
        ("demo-1", 0.7),
        ("gpt-5.4", 0.1),
    ]


def test_a_stand_in_without_a_key_is_told_beside_its_own_control(
    in_bakery: House, settings: Any
) -> None:
    spec = with_fallbacks()
    settings.VENDOR_KEYS = {k: v for k, v in KEYS.items() if k != "deepgram"}
    form = again(spec)
    assert not form.is_valid()
    assert list(form.errors) == ["fallback_listener"]


ADVANCED: dict[str, Any] = {
    "notification_email": "a@b.nl",
    "recording_consent": {"enabled": True, "message": "May we record?"},
    "gdpr_mode": True,
    "voicemail_when_unsure": "leave_message",
    "webhook_url": "https://hooks.example.com/a",
    "webhook_events": ["tool-calls"],
    "after_call_transcription": {"provider": "deepgram", "language": "nl"},
}
REALTIME: dict[str, Any] = {
    "provider": "xai_realtime",
    "model": "grok-voice-think-fast-2.0",
    "voice": "eve",
    "messages": [{"role": "system", "content": "You are Eve."}],
    "turn_detection": {"threshold": 0.7, "idle_timeout_ms": 9_000},
    "transcription": {"language_hint": "nl", "keyterms": ["Acme", "KvK"]},
    "provider_tools": [
        {"type": "web_search"},
        {"type": "x_search", "allowed_x_handles": ["acme"]},
        {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 5},
    ],
}


def test_every_advanced_field_comes_and_goes(in_bakery: House) -> None:
    spec = AssistantSpec.model_validate(
        desk_spec().model_dump(by_alias=True) | ADVANCED
    )
    form = again(spec)
    assert form.is_valid(), form.errors
    kept = form.spec.model_dump(mode="json", include=set(ADVANCED))
    assert kept == spec.model_dump(mode="json", include=set(ADVANCED))


def test_a_realtime_models_own_fields_come_and_go(in_bakery: House) -> None:
    values = desk_spec().model_dump(by_alias=True)
    values |= {"llm_config": REALTIME, "stt_config": None, "tts_config": None}
    spec = AssistantSpec.model_validate(values)
    form = again(spec)
    assert form.is_valid(), form.errors
    assert form.spec.llm_config == spec.llm_config
    emptied = again(
        spec,
        **dict.fromkeys(("web_search", "x_search"), False),
        x_handles="",
        file_stores="",
        hint_language="",
        hint_keyterms="",
    )
    assert emptied.is_valid(), emptied.errors
    assert emptied.spec.llm_config.provider_tools is None
    assert emptied.spec.llm_config.transcription is None


def test_a_live_model_delegates_to_another(in_bakery: House) -> None:
    values = desk_spec().model_dump(by_alias=True)
    live = {
        "provider": "openai_live",
        "model": "gpt-live-1",
        "voice": "marin",
        "messages": REALTIME["messages"],
        "delegation": {"model": "gpt-5.6-luna", "instructions": "Think."},
    }
    values |= {"llm_config": live, "stt_config": None, "tts_config": None}
    spec = AssistantSpec.model_validate(values)
    form = again(spec)
    assert form.is_valid(), form.errors
    assert form.spec.llm_config.delegation == spec.llm_config.delegation


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("notification_email", "no address"),
        ("consent_message", "x" * 1_001),
        ("webhook_url", "http://127.0.0.1/hook"),
        ("webhook_url", "nonsense"),
        ("webhook_events", ["nobody"]),
        ("voicemail_when_unsure", "shout"),
        ("after_call_provider", "nobody"),
        ("fallback_voice_3", "nobody/x"),
    ],
)
def test_what_cannot_be_is_told_beside_its_control(
    in_bakery: House, name: str, value: Any
) -> None:
    form = again(desk_spec(), **{name: value})
    assert not form.is_valid()
    assert list(form.errors) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("turn_threshold", "1.5"),
        ("turn_idle_timeout_ms", "30001"),
        ("hint_language", "x" * 11),
        ("hint_keyterms", "x" * 51),
        ("hint_keyterms", "\n".join(str(n) for n in range(101))),
        ("x_handles", "\n".join(f"a{n}" for n in range(21))),
        ("file_results", "51"),
    ],
)
def test_limits_of_a_realtime_model_are_told_beside_their_control(
    in_bakery: House, name: str, value: str
) -> None:
    values = desk_spec().model_dump(by_alias=True)
    values |= {"llm_config": REALTIME, "stt_config": None, "tts_config": None}
    form = again(AssistantSpec.model_validate(values), **{name: value})
    assert not form.is_valid()
    assert list(form.errors) == [name]
