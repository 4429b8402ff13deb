"""Finding in our catalogue what another system calls by its own names."""

from __future__ import annotations

import re
from typing import Any, Final

from django.utils.translation import gettext as _

from assistants.catalogue import (
    Model,
    Provider,
    Stage,
    catalogue,
    is_available,
    is_model_available,
)
from assistants.keys import keys_at_hand
from assistants.porting.reading import Path, Source
from portal.services.privacy import policy_in_scope

_ALIASES: Final = {"11labs": "elevenlabs", "gemini": "google", "vertex": "google"}
MAX_NAME: Final = 64


def mind_of(source: Source, provider: str | None, model_path: Path) -> dict[str, Any]:
    """Return provider and model for `llm_config`; empty when ours has to stand in."""
    wanted = source.text(*model_path)
    if not wanted:
        return {}
    name = _ALIASES.get(provider or "", provider)
    for known in catalogue().stage(Stage.LLM):
        model = known.model(wanted)
        if model and name in (None, known.id) and _is_usable(known, model):
            return {"provider": known.id, "model": model.id}
    source.note(
        model_path,
        _("This model is not at hand; the one that is here is used instead."),
    )
    return {}


def ears_of(source: Source, provider_path: Path, model_path: Path) -> dict[str, Any]:
    """Return provider and model for `stt_config`; empty when ours has to stand in."""
    name, wanted = source.text(*provider_path), source.text(*model_path)
    known = catalogue().find(Stage.STT, _ALIASES.get(name or "", name or ""))
    model = known.model(wanted or known.default_model) if known else None
    if known is None or model is None or not _is_usable(known, model):
        if name:
            source.note(
                model_path if wanted else provider_path,
                _(
                    "This recogniser is not at hand; the one that is here is used instead."
                ),
            )
        return {}
    return {"provider": known.id, "model": model.id}


def mouth_of(source: Source, provider: str | None, voice_path: Path) -> dict[str, Any]:
    """Return provider and voice for `tts_config`; empty when ours has to stand in."""
    voice = source.text(*voice_path)
    if not voice:
        return {}
    known = catalogue().find(Stage.TTS, _ALIASES.get(provider or "", provider or ""))
    if known is None or not (known.free_text_voice or known.voice(voice)):
        known = None
    if known is None or not _is_usable(known, None):
        source.note(
            voice_path,
            _("This voice is not at hand; the one that is here is used instead."),
        )
        return {}
    return {"provider": known.id, "voice_id": voice}


def language_of(source: Source, path: Path) -> str | None:
    """Return a language as we write it: `en-US` is `en`, `multilingual` is `multi`."""
    text = source.text(*path)
    if not text:
        return None
    if text in ("multi", "multilingual", "auto"):
        return "multi"
    return re.split(r"[-_]", text)[0].lower()


def parameters_of(value: Any) -> dict[str, Any]:
    """Return a JSON Schema of an object, whatever half of one is given."""
    if not isinstance(value, dict) or not value:
        return {}
    return {"type": "object", **value} if value.get("type") != "object" else value


def function_name(text: str) -> str:
    """Return a name that a function may have."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_")[:MAX_NAME]
    return name if re.match(r"[A-Za-z_]", name) else f"tool_{name}"[:MAX_NAME]


def clamped(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


def silence_of(seconds: float) -> dict[str, Any]:
    """Return our way to end a silent call after about so many seconds: ask once, then go."""
    half = seconds / 2
    return {
        "first_check_seconds": clamped(half, 1, 60),
        "interval_seconds": clamped(half, 3, 120),
        "max_attempts": 1,
    }


def _is_usable(provider: Provider, model: Model | None) -> bool:
    """Whether a key is at hand and the policy lets data go there."""
    keys = keys_at_hand()
    if not is_available(provider, keys):
        return False
    if model is not None and not is_model_available(provider, model, keys):
        return False
    region = provider.region_of(model.id if model else provider.default_model, {})
    return policy_in_scope().regions.allows(region)
