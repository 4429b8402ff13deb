"""Which vendor hears and speaks, and what can be set at each: `stt_config`, `tts_config`.

Here stand the fields and their types. Which provider takes which of them, and within
what limits, stands in the catalogue: `endpointing` is milliseconds at Deepgram and
seconds at Gladia. A field that is null is the vendor's own default.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator

from assistants.part import Part

MAX_FALLBACKS = 3

_Words = tuple[str, ...]
_C = TypeVar("_C", "STTChoice", "TTSChoice")


class STTChoice(Part):
    """One recogniser with its settings."""

    provider: str
    model: str
    language: str = "en"
    keyterms: _Words = ()
    smart_format: bool | None = None
    endpointing: float | None = None
    numerals: bool | None = None
    filler_words: bool | None = None
    utterance_end_ms: int | None = None
    no_delay: bool | None = None
    tag_audio_events: bool | None = None
    include_timestamps: bool | None = None
    sample_rate: int | None = None
    languages: _Words | None = None
    code_switching: bool | None = None
    region: str | None = None
    location: str | None = None
    custom_vocabulary: _Words | None = None
    translation_enabled: bool | None = None
    translation_target_languages: _Words | None = None


class STTConfig(STTChoice):
    """Speech to text, and who takes over when it fails, in order."""

    fallbacks: tuple[STTChoice, ...] = Field(default=(), max_length=MAX_FALLBACKS)

    @field_validator("fallbacks")
    @classmethod
    def _fallbacks_speak_the_same_language(
        cls, fallbacks: tuple[STTChoice, ...], info: ValidationInfo
    ) -> tuple[STTChoice, ...]:
        return _in_language(fallbacks, info.data.get("language"))


class TTSChoice(Part):
    """One voice with its settings."""

    provider: str
    voice_id: str
    model: str | None = None
    language: str | None = None
    speed: float = 1.0
    stability: float | None = None
    similarity_boost: float | None = None
    style: float | None = None
    use_speaker_boost: bool | None = None
    apply_text_normalization: Literal["auto", "on", "off"] | None = None
    apply_language_text_normalization: bool | None = None
    instructions: str | None = None
    speaking_rate: float | None = None
    location: str | None = None


class TTSConfig(TTSChoice):
    """Text to speech, and who takes over when it fails, in order."""

    fallbacks: tuple[TTSChoice, ...] = Field(default=(), max_length=MAX_FALLBACKS)

    @field_validator("fallbacks")
    @classmethod
    def _fallbacks_speak_the_same_language(
        cls, fallbacks: tuple[TTSChoice, ...], info: ValidationInfo
    ) -> tuple[TTSChoice, ...]:
        return _in_language(fallbacks, info.data.get("language"))


class AfterCallTranscription(Part):
    """Who writes down a realtime call from its recording, for the transcript."""

    provider: str
    model: str | None = None
    language: str | None = None


def _in_language(fallbacks: tuple[_C, ...], language: str | None) -> tuple[_C, ...]:
    """A fallback that names no language gets the one of the vendor it stands in for."""
    return tuple(
        choice
        if language is None or "language" in choice.model_fields_set
        else choice.model_copy(update={"language": language})
        for choice in fallbacks
    )
