"""How a conversation flows: `speech_config`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from assistants.part import Part

MAX_SENTENCE = 300
Sentence = Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]


class TurnTaking(Part):
    """When a silence ends the caller's turn, and what counts as interrupting. Seconds."""

    endpointing_min_delay: float = Field(default=0.4, ge=0.1, le=5)
    endpointing_max_delay: float = Field(default=2.0, ge=0.1, le=5)
    interruption_min_duration: float = Field(default=0.3, ge=0.05, le=2)
    interruption_min_words: int = Field(default=0, ge=0, le=10)
    false_interruption_timeout: float | None = Field(default=1.5, ge=0.2, le=5)

    @model_validator(mode="after")
    def _max_not_below_min(self) -> TurnTaking:
        if self.endpointing_max_delay < self.endpointing_min_delay:
            raise ValueError(
                "endpointing_max_delay must not be below endpointing_min_delay"
            )
        return self


class Pronunciation(Part):
    """Say `to` where the text has `from`, letter for letter."""

    # A space at an end is meant: "Dr. " is not "Dr.".
    model_config = {**Part.model_config, "str_strip_whitespace": False}

    from_: str = Field(alias="from", min_length=1, max_length=64)
    to: str = Field(max_length=128)


class BackgroundAudio(Part):
    """Sounds of a place behind the assistant's voice."""

    enabled: bool = False
    clip: Literal["office", "city", "forest", "crowded_room"] = "office"
    volume: float = Field(default=0.3, ge=0.05, le=1)


class Silence(Part):
    """What is said to a caller who says nothing. Seconds.

    Without `messages` the model finds its own words.
    """

    messages: tuple[Sentence, ...] = Field(default=(), max_length=5)
    final_message: str | None = Field(default=None, max_length=MAX_SENTENCE)
    first_check_seconds: float = Field(default=3, ge=1, le=60)
    interval_seconds: float = Field(default=12, ge=3, le=120)
    max_attempts: int = Field(default=3, ge=1, le=10)


class SpeechConfig(Part):
    turn_taking: TurnTaking = TurnTaking()
    pronunciation: tuple[Pronunciation, ...] = Field(default=(), max_length=50)
    background_audio: BackgroundAudio = BackgroundAudio()
    silence: Silence = Silence()
    end_call_message: str | None = Field(default=None, max_length=MAX_SENTENCE)
    first_message_outbound: str | None = Field(default=None, max_length=MAX_SENTENCE)
    end_call_phrases: tuple[Annotated[str, Field(max_length=100)], ...] = Field(
        default=(), max_length=5
    )

    @field_validator("end_call_phrases")
    @classmethod
    def _phrases_can_be_heard(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if sum(character.isalnum() for character in phrase) < 2:
                raise ValueError("A phrase needs at least two letters or digits.")
        return phrases
