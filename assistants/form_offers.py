"""What the selects of the assistant's form hold: `provider/model` and `provider/voice`."""

from __future__ import annotations

from collections.abc import Container

from django.conf import settings
from django.utils.translation import gettext

from assistants.catalogue import (
    Provider,
    Stage,
    catalogue,
    is_available,
    is_model_available,
    label_of,
    language_choices,
    language_name,
    voice_choices,
)
from assistants.completion import default_provider, model_at_hand
from portal.policy import RegionRule

SEPARATOR = "/"
Choice = tuple[str, str]
Groups = list[tuple[str, list[Choice]]]


def split(choice: str) -> tuple[str, str]:
    """Return provider and what of it."""
    provider, _separator, name = choice.partition(SEPARATOR)
    return provider, name


def joined(provider: str, name: str) -> str:
    return f"{provider}{SEPARATOR}{name}"


def first_choices(
    keys: Container[str], regions: RegionRule, language: str
) -> dict[str, str]:
    """Return what a new assistant begins with, as the API would fill it in.

    Its voice is one of its language, where there is one.
    """
    mind, ears, mouth = (
        default_provider(stage, keys, regions)
        for stage in (Stage.LLM, Stage.STT, Stage.TTS)
    )
    return {
        "model": joined(mind.id, model_at_hand(mind, keys)),
        "listener": joined(ears.id, model_at_hand(ears, keys)),
        "voice": joined(mouth.id, _voice_in(mouth, language)),
    }


def model_groups(stage: Stage, keys: Container[str]) -> Groups:
    """The models of a stage that can be used now, by provider."""
    groups: Groups = []
    for provider in catalogue().stage(stage):
        models = _models(provider, keys)
        if models:
            groups.append((label_of(provider), models))
    return groups


def mind_groups(keys: Container[str]) -> Groups:
    """Text models, and then those that hear and speak themselves."""
    live = gettext("hears and speaks itself")
    return model_groups(Stage.LLM, keys) + [
        (f"{label} ({live})", models)
        for label, models in model_groups(Stage.REALTIME, keys)
    ]


def voice_groups(keys: Container[str], mind: str) -> Groups:
    """The voices: those of a realtime model, or every provider's by language."""
    realtime = catalogue().find(Stage.REALTIME, mind)
    if realtime is not None:
        voices = [(joined(realtime.id, v.id), v.label) for v in realtime.voices]
        return [(label_of(realtime), voices)]
    groups: Groups = []
    for provider in catalogue().stage(Stage.TTS):
        if not is_available(provider, keys):
            continue
        for language in dict.fromkeys(v.language for v in provider.voices):
            voices = [
                (joined(provider.id, voice), label)
                for voice, label in voice_choices(provider.id, language)
            ]
            if voices:
                groups.append(
                    (f"{label_of(provider)} · {language_name(language)}", voices)
                )
    return groups


def languages(keys: Container[str]) -> list[Choice]:
    """Every language that some recogniser at hand knows."""
    names = {
        code: name
        for provider in catalogue().stage(Stage.STT)
        if is_available(provider, keys)
        for code, name in language_choices(Stage.STT, provider.id)
    }
    return sorted(names.items(), key=lambda item: item[1])


def _voice_in(provider: Provider, language: str) -> str:
    """Return the default voice, or the first of the language where it has another."""
    default = provider.voice(provider.default_voice)
    if default is not None and default.language in ("multi", language):
        return default.id
    fitting = voice_choices(provider.id, language)
    return fitting[0][0] if fitting else provider.default_voice


def _models(provider: Provider, keys: Container[str]) -> list[Choice]:
    if not is_available(provider, keys):
        return []
    if provider.free_text_model:
        own = settings.OWN_MODELS.get(provider.id, "")
        return [(joined(provider.id, own), own)] if own else []
    return [
        (joined(provider.id, model.id), model.label)
        for model in provider.models
        if not model.is_legacy and is_model_available(provider, model, keys)
    ]
