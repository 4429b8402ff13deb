"""Which providers, models and voices there are: the one list every other place reads.

The entries stand in `catalogue.toml`. A provider is one id in one stage: OpenAI's
models and OpenAI's voices are two entries that share a key. A wrong file stops the
process at the first use, not a call.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from django.utils.translation import gettext, gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistants.spec import AssistantSpec
from assistants.tool_shapes import repeated_names

_FILE = Path(__file__).with_name("catalogue.toml")


class Stage(StrEnum):
    """A step of the pipeline, in the order a caller's words take."""

    STT = "stt"
    LLM = "llm"
    TTS = "tts"


class Region(StrEnum):
    """Where the data of a call goes."""

    OWN = "own"  # this installation, or a server its owner runs
    EU = "eu"
    NON_EU = "non_eu"


class PriceUnit(StrEnum):
    """What a vendor's price is for."""

    PER_1M_INPUT_TOKENS = "per_1m_input_tokens"
    PER_1M_OUTPUT_TOKENS = "per_1m_output_tokens"
    PER_MINUTE_STREAMING = "per_minute_streaming"
    PER_MINUTE_BATCH = "per_minute_batch"
    PER_MINUTE = "per_minute"
    PER_HOUR = "per_hour"
    PER_1K_CHARS = "per_1k_chars"
    PER_1M_CHARS = "per_1m_chars"


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    NEUTRAL = "neutral"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Model(_Entry):
    id: str
    label: str
    is_default: bool = False
    is_demo: bool = False  # the interface says so wherever it is chosen or heard
    is_legacy: bool = False  # still runs, no longer offered


class Voice(_Entry):
    id: str
    label: str
    language: str
    gender: Gender
    is_default: bool = False
    engine: str = ""  # the program an offline voice needs; empty: none

    @property
    def is_installed(self) -> bool:
        """Whether this machine can speak it."""
        return self.engine != "flite" or shutil.which("flite") is not None


class Limits(_Entry):
    min_speed: float = 1.0
    max_speed: float = 1.0
    max_keyterms: int = 0
    max_keyterm_characters: int = 0
    takes_max_completion_tokens: bool = False


class Provider(_Entry):
    """One vendor in one stage."""

    stage: Stage
    id: str
    label: str
    region: Region
    aliases: tuple[str, ...] = ()
    key: str | None = None  # the key that unlocks it; None: needs none
    needs_base_url: bool = False
    free_text_model: bool = False
    free_text_voice: bool = False
    after_call_model: str | None = None
    price_units: tuple[PriceUnit, ...]
    limits: Limits = Limits()
    languages: tuple[str, ...] = ()
    models: tuple[Model, ...]
    voices: tuple[Voice, ...] = Field(default=())

    @model_validator(mode="after")
    def _choices_are_sound(self) -> Provider:
        for kind, entries in (("models", self.models), ("voices", self.voices)):
            ids = [entry.id for entry in entries]
            if len(set(ids)) != len(ids):
                raise ValueError(f"{self.id}: an id appears twice in {kind}")
            if entries and sum(entry.is_default for entry in entries) != 1:
                raise ValueError(f"{self.id}: {kind} need exactly one default")
        if not self.models and not self.free_text_model:
            raise ValueError(f"{self.id}: no models")
        return self

    @property
    def is_demo(self) -> bool:
        return any(model.is_demo for model in self.models)

    @property
    def default_model(self) -> str:
        """The model's id; empty where it is free text."""
        return next((model.id for model in self.models if model.is_default), "")

    @property
    def default_voice(self) -> str:
        """The id of the default voice, or of the first this machine can speak."""
        voices = [voice for voice in self.voices if voice.is_installed]
        voices.sort(key=lambda voice: not voice.is_default)
        return voices[0].id if voices else ""

    def model(self, model_id: str) -> Model | None:
        return next((model for model in self.models if model.id == model_id), None)

    def voice(self, voice_id: str) -> Voice | None:
        return next((voice for voice in self.voices if voice.id == voice_id), None)

    def speaks(self, language: str) -> bool:
        """Whether `language` ("en", "en-GB") is among its languages."""
        if not self.languages or "multi" in self.languages:
            return True
        return language in self.languages or language.split("-")[0] in self.languages


class Catalogue(_Entry):
    providers: tuple[Provider, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Catalogue:
        names = [(p.stage, name) for p in self.providers for name in (p.id, *p.aliases)]
        if len(set(names)) != len(names):
            raise ValueError("a provider appears twice in a stage")
        return self

    def stage(self, stage: Stage) -> tuple[Provider, ...]:
        return tuple(p for p in self.providers if p.stage == stage)

    def find(self, stage: Stage, name: str) -> Provider | None:
        """The provider by its id or an alias of it ("11labs")."""
        return next(
            (p for p in self.stage(stage) if name == p.id or name in p.aliases), None
        )

    def keys(self) -> tuple[str, ...]:
        """Every key somebody may bring, in the order of the file."""
        return tuple(dict.fromkeys(p.key for p in self.providers if p.key))


@dataclass(frozen=True)
class CatalogueError:
    """One thing wrong with a spec: `param` as the API names it, and what to do."""

    param: str
    message: str


@cache
def catalogue() -> Catalogue:
    """The catalogue, read once per process."""
    return Catalogue.model_validate(tomllib.loads(_FILE.read_text(encoding="utf-8")))


def is_available(provider: Provider, credentials: Container[str]) -> bool:
    """Whether a call may use it, given the keys (their names) at hand."""
    return provider.key is None or provider.key in credentials


def validate_spec(
    spec: AssistantSpec, credentials: Container[str] | None = None
) -> list[CatalogueError]:
    """Everything in `spec` that the catalogue does not allow, in the order of the spec.

    With `credentials` given, a provider whose key is missing is an error too.
    """
    errors: list[CatalogueError] = []
    if llm := _provider(Stage.LLM, spec.llm_config.provider, credentials, errors):
        _check_model(llm, spec.llm_config.model, errors)
    if stt := _provider(Stage.STT, spec.stt_config.provider, credentials, errors):
        _check_stt(stt, spec, errors)
    if tts := _provider(Stage.TTS, spec.tts_config.provider, credentials, errors):
        _check_tts(tts, spec, errors)
    for index, name in repeated_names(spec.llm_config.tools):
        message = gettext("Two tools are called “%(name)s”. Rename or remove one.")
        param = f"llm_config.tools[{index}].name"
        errors.append(CatalogueError(param, message % {"name": name}))
    return errors


def _provider(
    stage: Stage,
    name: str,
    credentials: Container[str] | None,
    errors: list[CatalogueError],
) -> Provider | None:
    param = f"{stage}_config.provider"
    provider = catalogue().find(stage, name)
    if provider is None:
        allowed = ", ".join(p.id for p in catalogue().stage(stage))
        message = gettext("“%(name)s” is not known. Choose one of: %(allowed)s.")
        errors.append(CatalogueError(param, message % _args(name, allowed)))
    elif credentials is not None and not is_available(provider, credentials):
        message = gettext("%(name)s needs a key. Add one, or choose another provider.")
        errors.append(CatalogueError(param, message % {"name": provider.label}))
    return provider


def _args(name: str, allowed: str) -> dict[str, str]:
    return {"name": name, "allowed": allowed}


def _check_model(
    provider: Provider, model_id: str, errors: list[CatalogueError]
) -> None:
    param = f"{provider.stage}_config.model"
    if provider.free_text_model:
        if not model_id:
            errors.append(CatalogueError(param, gettext("Name the model to use.")))
    elif provider.model(model_id) is None:
        allowed = ", ".join(model.id for model in provider.models)
        message = gettext("“%(name)s” is not known. Choose one of: %(allowed)s.")
        errors.append(CatalogueError(param, message % _args(model_id, allowed)))


def _check_language(
    provider: Provider, language: str, errors: list[CatalogueError]
) -> None:
    if not provider.speaks(language):
        allowed = ", ".join(provider.languages)
        message = gettext("“%(name)s” is not offered here. Choose one of: %(allowed)s.")
        param = f"{provider.stage}_config.language"
        errors.append(CatalogueError(param, message % _args(language, allowed)))


def _check_stt(
    provider: Provider, spec: AssistantSpec, errors: list[CatalogueError]
) -> None:
    config, limits = spec.stt_config, provider.limits
    _check_model(provider, config.model, errors)
    _check_language(provider, config.language, errors)
    if not config.keyterms or not limits.max_keyterms:
        return  # a provider without keyterms ignores them
    if len(config.keyterms) > limits.max_keyterms:
        message = gettext("At most %(limit)d keyterms.")
        errors.append(
            CatalogueError(
                "stt_config.keyterms", message % {"limit": limits.max_keyterms}
            )
        )
    if any(len(term) > limits.max_keyterm_characters for term in config.keyterms):
        message = gettext("A keyterm has at most %(limit)d characters.")
        errors.append(
            CatalogueError(
                "stt_config.keyterms",
                message % {"limit": limits.max_keyterm_characters},
            )
        )


def _check_tts(
    provider: Provider, spec: AssistantSpec, errors: list[CatalogueError]
) -> None:
    config, limits = spec.tts_config, provider.limits
    if config.model is not None:
        _check_model(provider, config.model, errors)
    if not config.voice_id:
        errors.append(CatalogueError("tts_config.voice_id", gettext("Choose a voice.")))
    elif not provider.free_text_voice and provider.voice(config.voice_id) is None:
        allowed = ", ".join(voice.id for voice in provider.voices)
        message = gettext("“%(name)s” is not known. Choose one of: %(allowed)s.")
        errors.append(
            CatalogueError(
                "tts_config.voice_id", message % _args(config.voice_id, allowed)
            )
        )
    if config.language is not None:
        _check_language(provider, config.language, errors)
    if not limits.min_speed <= config.speed <= limits.max_speed:
        message = gettext("Choose a speed between %(low)s and %(high)s.")
        args = {"low": limits.min_speed, "high": limits.max_speed}
        errors.append(CatalogueError("tts_config.speed", message % args))


# --- choices for forms ----------------------------------------------------------------
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
