"""The documented limits of an assistant's configs, refused with the field named."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistants.models import Assistant
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House

DEEPGRAM = {"provider": "deepgram", "model": "nova-3"}
XAI = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"}
SILENCE = "speech_config.silence"
PLACE = "speech_config.background_audio"
TURNS = "speech_config.turn_taking"


def body_of(path: str, value: Any) -> dict[str, Any]:
    """`{"a": {"b": value}}` for "a.b"."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


@pytest.mark.parametrize(
    ("path", "value", "param"),
    [
        (f"{TURNS}.endpointing_min_delay", 0.05, None),
        (f"{TURNS}.endpointing_max_delay", 5.1, None),
        (f"{TURNS}.interruption_min_duration", 2.1, None),
        (f"{TURNS}.interruption_min_words", 11, None),
        (f"{TURNS}.false_interruption_timeout", 0.1, None),
        (TURNS, {"endpointing_min_delay": 3, "endpointing_max_delay": 2}, None),
        (f"{SILENCE}.messages", ["a", "b", "c" * 301], f"{SILENCE}.messages[2]"),
        (f"{SILENCE}.messages", ["a", ""], f"{SILENCE}.messages[1]"),
        (f"{SILENCE}.messages", ["a"] * 6, None),
        (f"{SILENCE}.final_message", "a" * 301, None),
        (f"{SILENCE}.first_check_seconds", 0.5, None),
        (f"{SILENCE}.interval_seconds", 121, None),
        (f"{SILENCE}.max_attempts", 11, None),
        (f"{PLACE}.volume", 0.04, None),
        (f"{PLACE}.clip", "beach", None),
        ("speech_config.end_call_message", "a" * 301, None),
        ("speech_config.first_message_outbound", "a" * 301, None),
        (
            "speech_config.pronunciation",
            [{"from": "a", "to": "b"}, {"from": "", "to": "b"}],
            "speech_config.pronunciation[1].from",
        ),
        (
            "speech_config.pronunciation",
            [{"from": "a", "to": "b" * 129}],
            "speech_config.pronunciation[0].to",
        ),
        ("speech_config.end_call_phrases", ["a"], None),
        ("speech_config.murmur", 1, None),
        ("llm_config.temperature", 2.1, None),
        ("notification_emails", ["a@b.nl"] * 6, None),
        ("notification_emails", ["a@b.nl", "nobody"], "notification_emails[1]"),
        ("webhook_events", ["tool-calls", "tea-time"], "webhook_events[1]"),
        ("stt_config", {**DEEPGRAM, "utterance_end_ms": 900}, "stt_config.utterance_end_ms"),
        ("stt_config", {**DEEPGRAM, "smart_format": "yes"}, "stt_config.smart_format"),
        ("stt_config", {**DEEPGRAM, "tag_audio_events": True}, "stt_config.tag_audio_events"),
        (
            "stt_config",
            {**DEEPGRAM, "fallbacks": [DEEPGRAM] * 4},
            "stt_config.fallbacks",
        ),
        (
            "llm_config",
            {**XAI, "transcription": {"keyterms": ["a", "b" * 51]}},
            "llm_config.transcription.keyterms[1]",
        ),
        (
            "llm_config",
            {**XAI, "provider_tools": [{"type": "file_search", "vector_store_ids": []}]},
            "llm_config.provider_tools[0].vector_store_ids",
        ),
        ("llm_config", {**XAI, "voice": "nobody"}, "llm_config.voice"),
    ],
)  # fmt: skip
def test_what_is_outside_its_limits_is_named_and_nothing_is_saved(
    bakery: House, bakery_api: ApiClient, path: str, value: Any, param: str | None
) -> None:
    with organization_scope(bakery.organization):
        before = Assistant.objects.count()
    answer = bakery_api.post("/assistants", {"name": "Desk", **body_of(path, value)})
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["param"] == (param or path)
    assert error["type"] == "validation_error"
    with organization_scope(bakery.organization):
        assert Assistant.objects.count() == before


def made(api: ApiClient, **fields: Any) -> dict[str, Any]:
    answer = api.post("/assistants", {"name": "Desk", **fields})
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["assistant"])


def test_everything_documented_is_kept_and_given_back(bakery_api: ApiClient) -> None:
    speech = {
        "turn_taking": {
            "endpointing_min_delay": 0.1,
            "endpointing_max_delay": 5,
            "interruption_min_duration": 0.05,
            "interruption_min_words": 10,
            "false_interruption_timeout": None,
        },
        "pronunciation": [{"from": "KvK", "to": "kah vay kah"}],
        "background_audio": {"enabled": True, "clip": "crowded_room", "volume": 1},
        "silence": {
            "messages": ["Hello?"],
            "final_message": "Bye.",
            "first_check_seconds": 60,
            "interval_seconds": 3,
            "max_attempts": 10,
        },
        "end_call_message": "Bye now.",
        "first_message_outbound": "Hi, it is us.",
        "end_call_phrases": ["goodbye then"],
    }
    rest = {
        "business_name": "Bakery",
        "notification_emails": ["a@b.nl"],
        "recording_consent": {"enabled": True, "message": "We record."},
        "autonomous_silence_handling": True,
        "voicemail_detection": False,
        "gdpr_mode": True,
    }
    assistant = made(bakery_api, speech_config=speech, **rest)
    assert assistant["speech_config"] == speech
    assert {name: assistant[name] for name in rest} == rest


def test_the_older_place_of_the_first_check_still_counts(bakery_api: ApiClient) -> None:
    old = made(bakery_api, silence_timeout_seconds=8)
    assert old["speech_config"]["silence"]["first_check_seconds"] == 8
    changed = bakery_api.patch(
        f"/assistants/{old['id']}", {"silence_timeout_seconds": 9}
    ).json()["assistant"]
    assert changed["speech_config"]["silence"]["first_check_seconds"] == 9
    both = made(
        bakery_api,
        silence_timeout_seconds=8,
        speech_config={"silence": {"first_check_seconds": 5}},
    )
    assert both["speech_config"]["silence"]["first_check_seconds"] == 5
    newer = bakery_api.patch(
        f"/assistants/{old['id']}",
        {"speech_config": {"silence": {"first_check_seconds": 4}}},
    ).json()["assistant"]
    assert newer["silence_timeout_seconds"] is None


def test_a_realtime_assistant_has_neither_ears_nor_voice_of_its_own(
    bakery_api: ApiClient,
) -> None:
    assistant = made(bakery_api, llm_config={"provider": "xai_realtime"})
    assert assistant["llm_config"]["model"] == "grok-voice-think-fast-2.0"
    assert assistant["stt_config"] is None
    assert assistant["tts_config"] is None
    back = bakery_api.patch(
        f"/assistants/{assistant['id']}", {"llm_config": {"provider": "demo"}}
    ).json()["assistant"]
    assert back["stt_config"]["provider"] == "offline"
    there = bakery_api.patch(
        f"/assistants/{assistant['id']}", {"llm_config": XAI | {"voice": "eve"}}
    ).json()["assistant"]
    assert there["tts_config"] is None
    assert there["llm_config"]["voice"] == "eve"


def test_another_provider_takes_none_of_the_old_ones_settings(
    bakery_api: ApiClient,
) -> None:
    assistant = made(
        bakery_api,
        tts_config={"provider": "11labs", "voice_id": "v", "stability": 0.2, "speed": 1.5},
    )  # fmt: skip
    changed = bakery_api.patch(
        f"/assistants/{assistant['id']}", {"tts_config": {"provider": "azure"}}
    ).json()["assistant"]["tts_config"]
    assert changed["voice_id"] == "en-GB-SoniaNeural"
    assert changed["stability"] is None
    assert changed["speed"] == 1.0


@pytest.mark.django_db
def test_the_schema_states_the_limits(acme: House) -> None:
    document = Client(SERVER_NAME=acme.host).get("/api/openapi.json").json()
    schemas = document["components"]["schemas"]
    turns = schemas["TurnTaking"]["properties"]["endpointing_min_delay"]
    assert (turns["minimum"], turns["maximum"], turns["default"]) == (0.1, 5.0, 0.4)
    assert schemas["SpeechConfig"]["properties"]["pronunciation"]["maxItems"] == 50
