"""Filling in what an API request leaves open, so that a name alone makes an assistant.

What is filled in comes from the catalogue: a provider whose key is at hand, else the
one that needs none. Values that are no objects pass through; the spec refuses them.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from assistants.catalogue import Provider, Stage, catalogue, is_available
from assistants.spec import AssistantSpec

_BLOCKS: Final = {
    "llm_config": Stage.LLM,
    "stt_config": Stage.STT,
    "tts_config": Stage.TTS,
}
# What a provider's choice of another provider leaves without meaning.
_OF_PROVIDER: Final = frozenset({"model", "voice_id"})


def default_provider(stage: Stage, keys: Container[str]) -> Provider:
    """Return the first provider that can be used, and a demo one only if none else can."""
    usable = [
        provider
        for provider in catalogue().stage(stage)
        if is_available(provider, keys) and provider.default_model
    ]
    return min(usable, key=lambda provider: provider.is_demo)


def completed(values: dict[str, Any], keys: Container[str]) -> dict[str, Any]:
    """Return `values` with a provider, model and voice wherever none is named.

    A null stands for "not given" where the spec has a default that is not null.
    """
    fields = AssistantSpec.model_fields
    found = {
        name: value
        for name, value in values.items()
        if value is not None or name not in fields or fields[name].default is None
    }
    for name, stage in _BLOCKS.items():
        block = found.get(name, {})
        if isinstance(block, dict):
            found[name] = _completed_block(block, stage, keys)
    return found


def merged(current: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return `current` with what `change` names, blocks field by field.

    Naming another provider drops the model and voice of the one before.
    """
    result = dict(current)
    for name, value in change.items():
        before = current.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if value.get("provider", before.get("provider")) != before.get("provider"):
                before = {k: v for k, v in before.items() if k not in _OF_PROVIDER}
            result[name] = merged(before, value)
        else:
            result[name] = value
    return result


def _completed_block(
    block: dict[str, Any], stage: Stage, keys: Container[str]
) -> dict[str, Any]:
    block = {name: value for name, value in block.items() if value is not None}
    if "provider" not in block:
        block["provider"] = default_provider(stage, keys).id
    name = block["provider"]
    provider = catalogue().find(stage, name) if isinstance(name, str) else None
    # An unknown provider gets an empty model, so that it is the provider that is refused.
    if stage == Stage.TTS:
        block.setdefault("voice_id", provider.default_voice if provider else "")
    else:
        block.setdefault("model", provider.default_model if provider else "")
    return block
