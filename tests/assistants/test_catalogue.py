"""The catalogue: one list of providers, and what it allows in a spec."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from assistants import catalogue as module
from assistants.catalogue import (
    Catalogue,
    CatalogueError,
    Region,
    Stage,
    catalogue,
    is_available,
    language_choices,
    model_choices,
    provider_choices,
    validate_spec,
    voice_choices,
)
from assistants.spec import AssistantSpec

NO_KEYS: frozenset[str] = frozenset()


def make_spec(**parts: Any) -> AssistantSpec:
    base: dict[str, Any] = {
        "name": "Reception",
        "llm_config": {"provider": "demo", "model": "demo-1"},
        "stt_config": {"provider": "offline", "model": "pocketsphinx"},
        "tts_config": {"provider": "offline", "voice_id": "espeak-en-us"},
    }
    for name, value in parts.items():
        base[name] = base[name] | value
    return AssistantSpec.model_validate(base)


def test_every_stage_has_a_provider_that_needs_no_key_and_stays_here():
    for stage in Stage:
        own = [p for p in catalogue().stage(stage) if is_available(p, NO_KEYS)]
        assert own, stage
        assert all(p.region == Region.OWN and p.is_demo for p in own)


def test_the_offline_spec_is_valid():
    assert validate_spec(make_spec(), NO_KEYS) == []


@pytest.mark.parametrize("stage", ["llm", "stt", "tts"])
def test_an_unknown_provider_is_named_with_what_to_choose(stage):
    [error] = validate_spec(make_spec(**{f"{stage}_config": {"provider": "acme"}}))
    assert error.param == f"{stage}_config.provider"
    assert "“acme” is not known. Choose one of: " in error.message


@pytest.mark.parametrize(
    ("part", "value", "param"),
    [
        ("llm_config", {"model": "demo-2"}, "llm_config.model"),
        ("llm_config", {"provider": "openai", "model": "demo-1"}, "llm_config.model"),
        (
            "llm_config",
            {"provider": "openai_compatible", "model": ""},
            "llm_config.model",
        ),
        ("stt_config", {"model": "nova-3"}, "stt_config.model"),
        ("stt_config", {"language": "nl"}, "stt_config.language"),
        ("tts_config", {"voice_id": "rachel"}, "tts_config.voice_id"),
        ("tts_config", {"voice_id": ""}, "tts_config.voice_id"),
        ("tts_config", {"model": "eleven_v3"}, "tts_config.model"),
        ("tts_config", {"language": "ja"}, "tts_config.language"),
        (
            "stt_config",
            {
                "provider": "deepgram",
                "model": "nova-3",
                "keyterms": [str(n) for n in range(101)],
            },
            "stt_config.keyterms",
        ),
        (
            "stt_config",
            {"provider": "deepgram", "model": "nova-3", "keyterms": ["k" * 101]},
            "stt_config.keyterms",
        ),
    ],
)
def test_one_wrong_field_gives_one_error(part, value, param):
    assert [e.param for e in validate_spec(make_spec(**{part: value}))] == [param]


def test_every_wrong_part_is_told_at_once():
    spec = make_spec(
        llm_config={"provider": "x"},
        stt_config={"provider": "y"},
        tts_config={"provider": "z"},
    )
    assert [e.param for e in validate_spec(spec)] == [
        "llm_config.provider",
        "stt_config.provider",
        "tts_config.provider",
    ]


def test_a_provider_without_its_key_is_refused_only_when_keys_are_looked_at():
    spec = make_spec(llm_config={"provider": "openai", "model": "gpt-5.4"})
    assert validate_spec(spec) == []
    assert validate_spec(spec, {"openai"}) == []
    assert validate_spec(spec, NO_KEYS) == [
        CatalogueError(
            "llm_config.provider",
            "OpenAI needs a key. Add one, or choose another provider.",
        )
    ]


def test_an_own_server_takes_any_model():
    spec = make_spec(llm_config={"provider": "openai_compatible", "model": "llama3.3"})
    assert validate_spec(spec) == []


def test_elevenlabs_takes_any_voice_and_its_old_name():
    spec = make_spec(tts_config={"provider": "11labs", "voice_id": "any-voice"})
    assert validate_spec(spec) == []


def test_a_region_of_a_language_counts_as_the_language():
    assert validate_spec(make_spec(stt_config={"language": "en-GB"})) == []


def test_choices_leave_out_what_cannot_be_used():
    assert [c[0] for c in provider_choices(Stage.LLM, NO_KEYS)] == ["demo"]
    assert [c[0] for c in provider_choices(Stage.TTS, {"openai"})] == [
        "offline",
        "openai",
    ]
    assert "gpt-4o-mini" not in dict(model_choices(Stage.LLM, "openai"))
    assert model_choices(Stage.LLM, "nobody") == []
    assert dict(language_choices(Stage.STT, "offline")) == {"en": "English"}


def test_voices_of_a_missing_program_are_not_offered(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    voices = dict(voice_choices("offline", "en"))
    assert voices["espeak-en-us"] == "English (US), male"
    assert not any(voice.startswith("flite") for voice in voices)
    tts = catalogue().find(Stage.TTS, "offline")
    assert tts is not None
    assert tts.default_voice == "espeak-en-us"


def test_voices_are_filtered_by_language():
    assert dict(voice_choices("offline", "nl-NL")) == {
        "espeak-nl": "Nederlands, male",
        "espeak-nl-f": "Nederlands, female",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"models": [{"id": "a", "label": "A"}]},
        {"models": []},
        {"models": [{"id": "a", "label": "A", "is_default": True}] * 2},
        {"region": "moon"},
        {"colour": "red"},
    ],
)
def test_a_wrong_file_is_refused(change):
    entry: dict[str, Any] = {
        "stage": "llm",
        "id": "x",
        "label": "X",
        "region": "own",
        "price_units": [],
        "models": [{"id": "a", "label": "A", "is_default": True}],
    }
    Catalogue.model_validate({"providers": [entry]})
    with pytest.raises(ValidationError):
        Catalogue.model_validate({"providers": [entry | change]})
    with pytest.raises(ValidationError, match="appears twice"):
        Catalogue.model_validate({"providers": [entry, entry]})
