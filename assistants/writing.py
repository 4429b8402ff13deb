"""Trying an assistant in writing: who answers where its own model only speaks."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Final

from assistants.catalogue import Provider, Stage, catalogue, is_available
from assistants.completion import default_provider, model_at_hand
from assistants.spec import AssistantSpec, LLMConfig, STTConfig, TTSConfig
from portal.policy import RegionRule

# What a realtime model's settings leave with their meaning at a text model.
_KEPT: Final = {"messages", "tools", "temperature"}


def written_spec(
    spec: AssistantSpec, keys: Container[str], regions: RegionRule
) -> AssistantSpec | None:
    """Return the assistant as somebody writes with it; None where nobody could answer.

    For a realtime model a text model of its vendor answers, to the same instructions
    and with the same tools. Nothing is heard or spoken: both are left to this machine.
    """
    if not spec.is_realtime:
        return spec
    found = next(_text_models(spec, keys, regions), None)
    if found is None:
        return None
    provider, model = found
    ears, mouth = (
        default_provider(stage, (), RegionRule.OWN) for stage in (Stage.STT, Stage.TTS)
    )
    mind = LLMConfig.model_validate(
        {
            **spec.llm_config.model_dump(by_alias=True, include=_KEPT),
            "provider": provider.id,
            "model": model,
        }
    )
    return spec.model_copy(
        update={
            "llm_config": mind,
            "stt_config": STTConfig(provider=ears.id, model=ears.default_model),
            "tts_config": TTSConfig(
                provider=mouth.id,
                voice_id=mouth.default_voice,
                language=None if spec.language == "multi" else spec.language,
            ),
            "after_call_transcription": None,
        }
    )


def _text_models(
    spec: AssistantSpec, keys: Container[str], regions: RegionRule
) -> Iterator[tuple[Provider, str]]:
    """The text models of the same vendor, that which thinks behind it first."""
    talker = catalogue().find(Stage.REALTIME, spec.llm_config.provider)
    if talker is None:
        return
    kin = [
        one
        for one in catalogue().stage(Stage.LLM)
        if set(one.keys) & set(talker.keys) and is_available(one, keys)
    ]
    kin.sort(key=lambda one: one.id != talker.thinks_with)
    delegated = spec.llm_config.delegation
    for one in kin:
        model = model_at_hand(one, keys)
        if one.id == talker.thinks_with:
            model = (delegated.model if delegated else talker.thinking_model) or model
        if regions.allows(one.region_of(model, {})):
            yield one, model
