"""What an assistant is, as one frozen value: the schema of forms, API and pipeline.

Field names, limits and defaults are the public API's. A call runs on the `AssistantSpec`
it started with; editing the assistant makes a new version and touches no running call.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from assistants.analysis_plan import AnalysisPlan
from assistants.part import Part
from assistants.realtime_shapes import (
    Delegation,
    ProviderTool,
    RealtimeTranscription,
    TurnDetection,
)
from assistants.speech_shapes import SpeechConfig, TurnTaking
from assistants.tool_shapes import MAX_TOOLS, Tool
from assistants.vendor_shapes import (
    MAX_FALLBACKS,
    AfterCallTranscription,
    STTChoice,
    STTConfig,
    TTSChoice,
    TTSConfig,
)

__all__ = [
    "AfterCallTranscription",
    "AssistantSpec",
    "LLMChoice",
    "LLMConfig",
    "Message",
    "RecordingConsent",
    "STTChoice",
    "STTConfig",
    "SpeechConfig",
    "TTSChoice",
    "TTSConfig",
    "TurnTaking",
    "shape_name",
]

Email = Annotated[
    str, Field(max_length=254, pattern=r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+$")
]


class Message(Part):
    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=100_000)


class LLMChoice(Part):
    """One model with its settings."""

    provider: str
    model: str
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_completion_tokens: int | None = None
    location: str | None = None  # where Google computes


class LLMConfig(LLMChoice):
    """The model that decides what to say; `messages` hold the instructions.

    A realtime provider hears and speaks too; the fields after `tools` are its own.
    """

    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = Field(default=(), max_length=MAX_TOOLS)
    fallbacks: tuple[LLMChoice, ...] = Field(default=(), max_length=MAX_FALLBACKS)
    voice: str | None = Field(default=None, max_length=100)
    delegation: Delegation | None = None
    turn_detection: TurnDetection | None = None
    reasoning_effort: Literal["none", "high"] | None = None
    speed: float | None = None
    transcription: RealtimeTranscription | None = None
    provider_tools: tuple[ProviderTool, ...] | None = None
    vertexai: bool | None = None
    max_output_tokens: int | None = None
    analysis_model: str | None = Field(default=None, max_length=100)  # deprecated

    @property
    def instructions(self) -> str:
        """The system messages, joined."""
        return "\n\n".join(m.content for m in self.messages if m.role == "system")


class RecordingConsent(Part):
    """Asked before anything of an inbound telephone call is heard or kept."""

    enabled: bool = False
    message: str | None = Field(default=None, max_length=1_000)


WebhookEvent = Literal[
    "assistant-request", "status-update", "tool-calls", "end-of-call-report"
]


class AssistantSpec(Part):
    """Everything a voice process needs to hold one conversation.

    `stt_config` and `tts_config` are null together, when `llm_config` names a realtime
    provider. Which providers those are, the catalogue knows.
    """

    name: str = Field(min_length=1, max_length=120)
    business_name: str | None = Field(default=None, max_length=200)
    first_message: str | None = Field(default=None, max_length=2_000)
    llm_config: LLMConfig
    stt_config: STTConfig | None = None
    tts_config: TTSConfig | None = None
    speech_config: SpeechConfig = SpeechConfig()
    after_call_transcription: AfterCallTranscription | None = None
    max_duration_seconds: int = Field(default=600, ge=10, le=7_200)
    autonomous_silence_handling: bool = False
    silence_timeout_seconds: float | None = Field(default=None, ge=1, le=60)
    voicemail_detection: bool = True
    voicemail_message: str | None = Field(default=None, max_length=1_000)
    # What to do when it is not sure whether a person answered.
    voicemail_when_unsure: Literal["talk", "leave_message"] = "talk"
    notification_email: Email | None = None
    notification_emails: tuple[Email, ...] | None = Field(default=None, max_length=5)
    recording_consent: RecordingConsent | None = None
    gdpr_mode: bool = False
    analysis_plan: AnalysisPlan | None = None
    webhook_url: str | None = Field(default=None, max_length=2_000)
    webhook_events: tuple[WebhookEvent, ...] | None = None

    @property
    def is_realtime(self) -> bool:
        """Whether one model hears, thinks and speaks."""
        return self.stt_config is None

    @property
    def language(self) -> str:
        """What the caller is spoken to in: a BCP 47 tag, `multi` where any will do."""
        if self.tts_config is not None and self.tts_config.language:
            return self.tts_config.language
        if self.stt_config is not None:
            return self.stt_config.language
        hint = self.llm_config.transcription
        return (hint.language_hint if hint else None) or "multi"

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who gets the report of each call, each address once."""
        one = (self.notification_email,) if self.notification_email else ()
        return tuple(dict.fromkeys((*one, *(self.notification_emails or ()))))

    def hears(self) -> STTConfig:
        """The recogniser of an assistant that is not realtime."""
        assert self.stt_config is not None
        return self.stt_config

    def speaks(self) -> TTSConfig:
        """The voice of an assistant that is not realtime."""
        assert self.tts_config is not None
        return self.tts_config


@cache
def shape_name() -> str:
    """Return a name for the shape of specs as it is now: another field, another name."""
    schema = json.dumps(AssistantSpec.model_json_schema(), sort_keys=True)
    return hashlib.sha256(schema.encode()).hexdigest()[:16]
