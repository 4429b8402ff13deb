"""What stands in the catalogue: providers, and what each offers.

A provider is one id in one stage: OpenAI's models and OpenAI's voices are two entries
that share a key. A wrong entry stops the process at the first use, not a call.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Stage(StrEnum):
    """A step of the pipeline, in the order a caller's words take.

    A realtime model takes all three: it hears, thinks and speaks.
    """

    STT = "stt"
    LLM = "llm"
    TTS = "tts"
    REALTIME = "realtime"


# What a pipeline is made of; `Stage.REALTIME` stands alone.
PIPELINE = (Stage.STT, Stage.LLM, Stage.TTS)


class Region(StrEnum):
    """Where the data of a call goes."""

    OWN = "own"  # this installation, or a server its owner runs
    EU = "eu"
    NON_EU = "non_eu"


class PriceUnit(StrEnum):
    """What a vendor's price is for."""

    PER_1M_INPUT_TOKENS = "per_1m_input_tokens"
    PER_1M_CACHED_INPUT_TOKENS = "per_1m_cached_input_tokens"
    PER_1M_OUTPUT_TOKENS = "per_1m_output_tokens"
    PER_1M_AUDIO_INPUT_TOKENS = "per_1m_audio_input_tokens"
    PER_1M_CACHED_AUDIO_INPUT_TOKENS = "per_1m_cached_audio_input_tokens"
    PER_1M_AUDIO_OUTPUT_TOKENS = "per_1m_audio_output_tokens"
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


class OptionKind(StrEnum):
    """How a value is given, and drawn in a form."""

    NUMBER = "number"
    INTEGER = "integer"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    WORDS = "words"
    GROUP = "group"  # fields of its own, whose limits the spec states


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PriceSource(NamedTuple):
    """A public page of list prices, and the day it was last read."""

    page: str
    seen: str


class Option(_Entry):
    """A field of the stage's config that a provider takes, and its limits there."""

    name: str
    kind: OptionKind
    minimum: float | None = None
    maximum: float | None = None
    default: bool | int | float | str | None = None  # the vendor's, when not given
    choices: tuple[str, ...] = ()
    max_items: int | None = None
    max_characters: int | None = None
    models: tuple[str, ...] = ()  # only these take it; empty: all
    is_clamped: bool = False  # a value outside is moved to the nearest limit
    regions: Mapping[str, Region] = Field(default_factory=dict)  # by chosen value

    @property
    def step(self) -> str:
        """The step of a number field."""
        return "1" if self.kind is OptionKind.INTEGER else "any"


class Model(_Entry):
    id: str
    label: str
    is_default: bool = False
    is_demo: bool = False  # the interface says so wherever it is chosen or heard
    is_legacy: bool = False  # still runs, no longer offered
    key: str | None = None  # unlocked by this key instead of the provider's
    region: Region | None = None  # when not the provider's
    reasoning_effort: str | None = None  # pinned: a caller waits for every thought
    only_options: tuple[str, ...] | None = None  # of the provider's; None: all
    price_source: str | None = None  # None: the provider's
    prices_seen: str = ""
    prices: Mapping[PriceUnit, Decimal] = Field(default_factory=dict)


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


class Provider(_Entry):
    """One vendor in one stage."""

    stage: Stage
    id: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    label: str
    region: Region
    protocol: str = ""  # whose API it speaks; its own id when not said
    base_url: str = ""  # where an operator's own server is
    aliases: tuple[str, ...] = ()
    key: str | None = None  # the key that unlocks it; None: needs none
    needs_base_url: bool = False
    free_text_model: bool = False
    free_text_voice: bool = False
    takes_temperature: bool = True
    after_call_model: str | None = None
    # The provider and model that think for a realtime model which only talks.
    thinks_with: str | None = None
    thinking_model: str | None = None
    price_source: str = ""  # the page its prices stand on; empty: none was found
    prices_seen: str = ""  # the day that page was last read
    prices: Mapping[PriceUnit, Decimal] = Field(default_factory=dict)
    options: tuple[Option, ...] = ()
    languages: tuple[str, ...] = ()
    models: tuple[Model, ...]
    voices: tuple[Voice, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _speaks_its_own_protocol(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("protocol"):
            return values | {"protocol": values.get("id", "")}
        return values

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
        if self.key and any(price < 0 for price in self.prices.values()):
            raise ValueError(f"{self.id}: a price is below zero")
        return self

    @property
    def is_demo(self) -> bool:
        return any(model.is_demo for model in self.models)

    @property
    def is_realtime(self) -> bool:
        return self.stage is Stage.REALTIME

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of which any one unlocks at least one model."""
        found = [self.key, *(model.key for model in self.models)]
        return tuple(dict.fromkeys(key for key in found if key))

    @property
    def price_units(self) -> tuple[PriceUnit, ...]:
        """What its vendor charges by, over all models."""
        units = [unit for model in self.models for unit in model.prices]
        return tuple(dict.fromkeys([*self.prices, *units]))

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

    def key_for(self, model_id: str) -> str | None:
        """The name of the key a call with this model needs."""
        model = self.model(model_id)
        return model.key if model and model.key else self.key

    def prices_of(self, model_id: str) -> Mapping[PriceUnit, Decimal]:
        """List prices in EUR by unit; a model's own go before the provider's."""
        model = self.model(model_id)
        return {**self.prices, **(model.prices if model else {})}

    def price_source_of(self, model_id: str) -> PriceSource | None:
        """Where a model's prices stand; None when no public page was found."""
        model = self.model(model_id)
        page, seen = self.price_source, self.prices_seen
        if model is not None and model.price_source is not None:
            page, seen = model.price_source, model.prices_seen or seen
        return PriceSource(page, seen) if page else None

    def options_of(self, model_id: str) -> tuple[Option, ...]:
        """What can be set beside this model."""
        model = self.model(model_id)
        only = model.only_options if model else None
        return tuple(
            option
            for option in self.options
            if (only is None or option.name in only)
            and (not option.models or model_id in option.models)
        )

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)

    def region_of(self, model_id: str, chosen: Mapping[str, Any]) -> Region:
        """Where a call's data goes, given the values of the config."""
        for option in self.options_of(model_id):
            value = chosen.get(option.name)
            value = option.default if value is None else value
            if str(value) in option.regions:
                return option.regions[str(value)]
        model = self.model(model_id)
        return model.region if model and model.region else self.region

    def speaks(self, language: str) -> bool:
        """Whether `language` ("en", "en-GB") is among its languages."""
        if not self.languages or "multi" in self.languages:
            return True
        return language in self.languages or language.split("-")[0] in self.languages


class Catalogue(_Entry):
    """Every provider, and the day its list prices were last looked at."""

    providers: tuple[Provider, ...]
    prices_as_of: str = ""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Catalogue:
        names = [
            # A language model is named in `llm_config`, of either kind.
            (Stage.LLM if p.is_realtime else p.stage, name)
            for p in self.providers
            for name in (p.id, *p.aliases)
        ]
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

    def find_mind(self, name: str) -> Provider | None:
        """The provider that `llm_config` names: a text model or a realtime one."""
        return self.find(Stage.LLM, name) or self.find(Stage.REALTIME, name)

    def keys(self) -> tuple[str, ...]:
        """Every key somebody may bring, in the order of the file."""
        return tuple(dict.fromkeys(key for p in self.providers for key in p.keys))
