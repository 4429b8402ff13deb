"""What an assistant is, as one frozen value: the schema of forms, API and pipeline.

Field names, limits and defaults are the public API's. A call runs on the `AssistantSpec`
it started with; editing the assistant makes a new version and touches no running call.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistants.tool_shapes import MAX_TOOLS, Tool


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Message(_Part):
    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=100_000)


class LLMConfig(_Part):
    """The model that decides what to say; `messages` hold the instructions."""

    provider: str
    model: str
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=32_768)
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = Field(default=(), max_length=MAX_TOOLS)

    @property
    def instructions(self) -> str:
        """The system messages, joined."""
        return "\n\n".join(m.content for m in self.messages if m.role == "system")


class STTConfig(_Part):
    """Speech to text."""

    provider: str
    model: str
    language: str = "en"
    keyterms: tuple[str, ...] = ()


class TTSConfig(_Part):
    """Text to speech."""

    provider: str
    voice_id: str
    model: str | None = None
    language: str | None = None
    speed: float = Field(default=1.0, ge=0.5, le=2)


class TurnTaking(_Part):
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


class SpeechConfig(_Part):
    turn_taking: TurnTaking = TurnTaking()
    end_call_message: str | None = Field(default=None, max_length=300)
    first_message_outbound: str | None = Field(default=None, max_length=300)


class AssistantSpec(_Part):
    """Everything a voice process needs to hold one conversation."""

    name: str = Field(min_length=1, max_length=120)
    first_message: str | None = Field(default=None, max_length=2_000)
    llm_config: LLMConfig
    stt_config: STTConfig
    tts_config: TTSConfig
    speech_config: SpeechConfig = SpeechConfig()
    max_duration_seconds: int = Field(default=600, ge=10, le=7_200)
    voicemail_message: str | None = Field(default=None, max_length=1_000)
