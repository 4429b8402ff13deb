"""Filling in what an API request leaves open, so that a name alone makes an assistant.

What is filled in comes from the catalogue: a provider whose key is at hand and whose
region the organization's rule allows, else the one that needs none. Values that are no
objects pass through; the spec refuses them.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from assistants.catalogue import (
    Provider,
    Stage,
    catalogue,
    is_available,
    is_model_available,
)
from assistants.spec import AssistantSpec
from portal.policy import RegionRule

_BLOCKS: Final = {
    "llm_config": Stage.LLM,
    "stt_config": Stage.STT,
    "tts_config": Stage.TTS,
}
# What a choice of another provider leaves with its meaning; the rest was the old one's.
_KEPT: Final = frozenset(
    {
        "provider",
        "language",
        "keyterms",
        "temperature",
        "messages",
        "tools",
        "fallbacks",
    }
)

# A JSON Schema is replaced as a whole: half of one and half of another is neither.
_WHOLE: Final = frozenset({"schema"})


def default_provider(
    stage: Stage, keys: Container[str], regions: RegionRule
) -> Provider:
    """Return the first provider that may be used, and a demo one only if none else may.

    The demo one runs on this installation and needs no key: there is always one.
    """
    usable = [
        provider
        for provider in catalogue().stage(stage)
        if is_available(provider, keys)
        and provider.default_model
        and regions.allows(provider.region_of(model_at_hand(provider, keys), {}))
    ]
    return min(usable, key=lambda provider: provider.is_demo)


def completed(
    values: dict[str, Any],
    keys: Container[str],
    regions: RegionRule = RegionRule.ANYWHERE,
) -> dict[str, Any]:
    """Return `values` with a provider, model and voice wherever none is named.

    A null stands for "not given" where the spec has a default that is not null.
    """
    fields = AssistantSpec.model_fields
    found = {
        name: value
        for name, value in values.items()
        if value is not None or name not in fields or fields[name].default is None
    }
    is_realtime = _is_realtime(found.get("llm_config"))
    for name, stage in _BLOCKS.items():
        if is_realtime and name != "llm_config":
            continue
        block = found.get(name) or {}
        if isinstance(block, dict):
            found[name] = _completed_block(block, stage, keys, regions)
    return found


def merged(current: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return `current` with what `change` names, blocks field by field.

    Naming another provider drops the settings of the one before, and a realtime one
    the recogniser and the voice.
    """
    result = dict(current)
    for name, value in change.items():
        before = current.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and name not in _WHOLE:
            if value.get("provider", before.get("provider")) != before.get("provider"):
                before = {k: v for k, v in before.items() if k in _KEPT}
            result[name] = merged(before, value)
        else:
            result[name] = value
    if _is_realtime(change.get("llm_config")):
        result["llm_config"].pop("fallbacks", None)
        for name in ("stt_config", "tts_config"):
            if name not in change:
                result[name] = None
    return result


def _is_realtime(block: object) -> bool:
    name = block.get("provider") if isinstance(block, dict) else None
    return isinstance(name, str) and bool(catalogue().find(Stage.REALTIME, name))


def _completed_block(
    block: dict[str, Any],
    stage: Stage,
    keys: Container[str],
    regions: RegionRule,
) -> dict[str, Any]:
    block = {name: value for name, value in block.items() if value is not None}
    if "provider" not in block:
        block["provider"] = default_provider(stage, keys, regions).id
    name = block["provider"]
    provider = None
    if isinstance(name, str):
        is_mind = stage is Stage.LLM
        found = catalogue()
        provider = found.find_mind(name) if is_mind else found.find(stage, name)
    # An unknown provider gets an empty model, so that it is the provider that is refused.
    if stage == Stage.TTS:
        block.setdefault("voice_id", provider.default_voice if provider else "")
    else:
        block.setdefault("model", model_at_hand(provider, keys) if provider else "")
    return block


def model_at_hand(provider: Provider, keys: Container[str]) -> str:
    """Return the default model, or the first one that a key unlocks."""
    usable = [m for m in provider.models if is_model_available(provider, m, keys)]
    usable.sort(key=lambda model: (not model.is_default, model.is_legacy))
    return usable[0].id if usable else provider.default_model
