"""What a form offers: providers, models, voices and languages as (value, label)."""

from __future__ import annotations

from collections.abc import Container

from django.utils.translation import gettext_lazy as _

from assistants.catalogue.checking import is_available
from assistants.catalogue.entries import Gender, Stage
from assistants.catalogue.loading import catalogue

Choice = tuple[str, str]
GENDER_LABELS = {
    Gender.FEMALE: _("female"),
    Gender.MALE: _("male"),
    Gender.NEUTRAL: _("neutral"),
}


def provider_choices(stage: Stage, credentials: Container[str]) -> list[Choice]:
    """The providers of a stage that can be used now, as (id, label)."""
    return [
        (p.id, p.label)
        for p in catalogue().stage(stage)
        if is_available(p, credentials)
    ]


def model_choices(stage: Stage, provider_id: str) -> list[Choice]:
    """The models offered, as (id, label); none for an unknown provider or free text."""
    provider = catalogue().find(stage, provider_id)
    models = provider.models if provider else ()
    return [(model.id, model.label) for model in models if not model.is_legacy]


def language_choices(stage: Stage, provider_id: str) -> list[Choice]:
    """The languages as (code, the language's own name)."""
    provider = catalogue().find(stage, provider_id)
    return [
        (code, language_name(code)) for code in (provider.languages if provider else ())
    ]


def voice_choices(provider_id: str, language: str | None = None) -> list[Choice]:
    """The voices this machine can speak, as (id, "Ray, male")."""
    provider = catalogue().find(Stage.TTS, provider_id)
    return [
        (voice.id, f"{voice.label}, {GENDER_LABELS[voice.gender]}")
        for voice in (provider.voices if provider else ())
        if voice.is_installed
        and (language is None or voice.language in ("multi", language.split("-")[0]))
    ]


_LANGUAGE_NAMES = {
    "multi": _("Several languages"),
    "ar": "العربية",
    "bg": "Български",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fi": "Suomi",
    "fr": "Français",
    "hi": "हिन्दी",
    "hr": "Hrvatski",
    "hu": "Magyar",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "no": "Norsk",
    "pl": "Polski",
    "pt": "Português",
    "ro": "Română",
    "ru": "Русский",
    "sk": "Slovenčina",
    "sv": "Svenska",
    "tr": "Türkçe",
    "vi": "Tiếng Việt",
    "zh": "中文",
}


def language_name(code: str) -> str:
    """What speakers of it call a language; the code itself when unknown."""
    return str(_LANGUAGE_NAMES.get(code, code))
