"""The catalogue: one list of providers, and what it allows in a spec."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from assistants.catalogue import (
    PIPELINE,
    Catalogue,
    CatalogueError,
    Region,
    Stage,
    catalogue,
    entries,
    is_available,
    language_choices,
    load,
    model_choices,
    provider_choices,
    regions_of,
    validate_spec,
    voice_choices,
)
from assistants.spec import AssistantSpec, LLMConfig, STTConfig, TTSConfig

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
    for stage in PIPELINE:
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
        ("tts_config", {"speed": 2.5}, "tts_config.speed"),
        ("tts_config", {"stability": 0.5}, "tts_config.stability"),
        ("stt_config", {"endpointing": 300}, "stt_config.endpointing"),
        (
            "stt_config",
            {"provider": "deepgram", "model": "nova-3", "endpointing": 5001},
            "stt_config.endpointing",
        ),
        (
            "stt_config",
            {"provider": "gladia", "model": "solaria-1", "endpointing": 1.5},
            "stt_config.endpointing",
        ),
        (
            "stt_config",
            {"provider": "gladia", "model": "solaria-1", "region": "us-east"},
            "stt_config.region",
        ),
        (
            "stt_config",
            {"provider": "elevenlabs", "model": "scribe_v2_realtime", "sample_rate": 9},
            "stt_config.sample_rate",
        ),
        (
            "tts_config",
            {
                "provider": "elevenlabs",
                "voice_id": "v",
                "model": "eleven_v3",
                "style": 0.4,
            },
            "tts_config.style",
        ),
        (
            "tts_config",
            {"provider": "google", "voice_id": "Kore", "speaking_rate": 1.5},
            "tts_config.speaking_rate",
        ),
        (
            "tts_config",
            {"provider": "google", "voice_id": "Ray"},
            "tts_config.voice_id",
        ),
        (
            "llm_config",
            {"provider": "xai", "model": "grok-4.3", "max_completion_tokens": 10},
            "llm_config.max_completion_tokens",
        ),
        (
            "llm_config",
            {
                "provider": "openai",
                "model": "gpt-5.4",
                "max_completion_tokens": 32_769,
            },
            "llm_config.max_completion_tokens",
        ),
        (
            "llm_config",
            {"provider": "openai", "model": "gpt-5.4", "voice": "marin"},
            "llm_config.voice",
        ),
        (
            "llm_config",
            {"fallbacks": [{"provider": "openai", "model": "gpt-9"}]},
            "llm_config.fallbacks[0].model",
        ),
        (
            "tts_config",
            {"fallbacks": [{"provider": "xai", "voice_id": "ray"}]},
            "tts_config.fallbacks[0].voice_id",
        ),
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
    monkeypatch.setattr(entries.shutil, "which", lambda name: None)
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


def make_realtime(**llm: Any) -> AssistantSpec:
    values = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"} | llm
    return AssistantSpec.model_validate({"name": "Live", "llm_config": values})


def test_a_realtime_model_stands_alone():
    assert validate_spec(make_realtime(voice="ara"), {"xai"}) == []
    assert make_realtime().is_realtime
    both = make_spec(
        llm_config={"provider": "openai_live", "model": "gpt-live-1", "voice": "marin"}
    )
    assert [e.param for e in validate_spec(both)] == ["stt_config", "tts_config"]
    neither = AssistantSpec.model_validate(
        {"name": "Mute", "llm_config": {"provider": "demo", "model": "demo-1"}}
    )
    assert [e.param for e in validate_spec(neither)] == ["stt_config", "tts_config"]


@pytest.mark.parametrize(
    ("llm", "param"),
    [
        ({"voice": "Puck"}, "llm_config.voice"),
        ({"delegation": {}}, "llm_config.delegation"),
        ({"speed": 1.6}, "llm_config.speed"),
        ({"max_completion_tokens": 10}, "llm_config.max_completion_tokens"),
        (
            {"fallbacks": [{"provider": "demo", "model": "demo-1"}]},
            "llm_config.fallbacks",
        ),
    ],
)
def test_what_a_realtime_model_does_not_take_is_named(llm, param):
    assert next(e.param for e in validate_spec(make_realtime(**llm))) == param


def test_turn_detection_outside_its_limits_is_moved_to_them():
    detection = make_realtime(
        turn_detection={
            "threshold": 7,
            "prefix_padding_ms": -1,
            "silence_duration_ms": 50,
            "idle_timeout_ms": 99_999,
        }
    ).llm_config.turn_detection
    assert detection is not None
    assert detection.model_dump() == {
        "threshold": 1.0,
        "prefix_padding_ms": 0,
        "silence_duration_ms": 100,
        "idle_timeout_ms": 30_000,
    }


def test_a_model_with_a_key_of_its_own_needs_that_one():
    vertex = make_realtime(
        provider="google_realtime", model="gemini-live-2.5-flash-native-audio"
    )
    assert [e.param for e in validate_spec(vertex, {"google"})] == ["llm_config.model"]
    assert validate_spec(vertex, {"google_vertex"}) == []


def test_regions_follow_options_models_and_fallbacks():
    spec = make_spec(
        stt_config={"provider": "gladia", "model": "solaria-1"},
        tts_config={"fallbacks": [{"provider": "elevenlabs", "voice_id": "v"}]},
    )
    assert regions_of(spec) == {
        "llm_config": Region.OWN,
        "stt_config": Region.EU,
        "tts_config": Region.OWN,
        "tts_config.fallbacks[0]": Region.NON_EU,
    }
    across = make_spec(
        stt_config={"provider": "gladia", "model": "solaria-1", "region": "us-west"}
    )
    assert regions_of(across)["stt_config"] == Region.NON_EU
    vertex = {"provider": "google_realtime"} | {
        "model": "gemini-live-2.5-flash-native-audio"
    }
    assert regions_of(make_realtime(**vertex)) == {"llm_config": Region.EU}
    far = make_realtime(**vertex, location="us-central1")
    assert regions_of(far) == {"llm_config": Region.NON_EU}


def test_every_vendor_has_a_list_price_and_every_option_is_a_field_of_its_config():
    fields = {
        Stage.LLM: LLMConfig,
        Stage.REALTIME: LLMConfig,
        Stage.STT: STTConfig,
        Stage.TTS: TTSConfig,
    }
    assert catalogue().prices_as_of
    for provider in catalogue().providers:
        for option in provider.options:
            assert option.name in fields[provider.stage].model_fields
        if provider.key:
            for model in provider.models:
                assert provider.prices_of(model.id), (provider.id, model.id)
                source = provider.price_source_of(model.id)
                assert source is None or source.page.startswith("https://")
                assert source is None or source.seen, (provider.id, model.id)


def test_a_fallback_speaks_the_language_of_the_vendor_it_stands_in_for():
    spec = make_spec(
        stt_config={
            "language": "nl",
            "fallbacks": [
                {"provider": "deepgram", "model": "nova-3"},
                {"provider": "deepgram", "model": "nova-3", "language": "de"},
            ],
        }
    )
    assert [f.language for f in spec.hears().fallbacks] == ["nl", "de"]


OWN = """
[[providers]]
stage = "llm"
id = "our_llama"
protocol = "openai_compatible"
label = "Our Llama"
region = "own"
base_url = "http://10.0.0.5:8000/v1"
models = [{ id = "llama-3.3-70b", label = "Llama 3.3", is_default = true }]

[[providers]]
stage = "stt"
id = "our_ears"
protocol = "deepgram"
label = "Our ears"
region = "own"
key = "our_ears"
base_url = "ws://10.0.0.6/v1/listen"

[[providers]]
stage = "stt"
id = "deepgram"
prices = { per_minute_streaming = "0.0051" }
"""


def test_an_operator_adds_servers_and_prices_without_code(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    found = load(str(tmp_path))
    llama = found.find(Stage.LLM, "our_llama")
    ears = found.find(Stage.STT, "our_ears")
    assert llama is not None
    assert ears is not None
    assert (llama.protocol, llama.base_url) == (
        "openai_compatible",
        "http://10.0.0.5:8000/v1",
    )
    assert llama.option("max_completion_tokens").maximum == 32_768
    assert is_available(llama, NO_KEYS)
    assert ears.free_text_model
    assert ears.option("endpointing").maximum == 5_000
    assert not is_available(ears, NO_KEYS)
    assert set(found.keys()) >= {"our_ears", "openai"}
    [price] = found.find(Stage.STT, "deepgram").prices.values()
    assert str(price) == "0.0051"
    assert load(str(tmp_path / "own.toml")) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "cannot be read"),
        (OWN.replace("openai_compatible", "telepathy"), "no provider of its stage"),
        (OWN.replace('region = "own"', 'region = "moon"'), "region"),
    ],
)
def test_a_wrong_file_of_an_operator_stops_the_start(tmp_path, text, message):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ImproperlyConfigured, match=message):
        load(str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="nothing at"):
        load(str(tmp_path / "absent"))


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
        "models": [{"id": "a", "label": "A", "is_default": True}],
    }
    Catalogue.model_validate({"providers": [entry]})
    with pytest.raises(ValidationError):
        Catalogue.model_validate({"providers": [entry | change]})
    with pytest.raises(ValidationError, match="appears twice"):
        Catalogue.model_validate({"providers": [entry, entry]})
