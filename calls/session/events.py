"""What happens in a conversation, as values. A session tells its sink, in order.

It knows no database. Offsets are milliseconds since the audio connected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass, field
from enum import StrEnum
from operator import add
from typing import Any


class Speaker(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class EndReason(StrEnum):
    """Who or what ended a call. Stored on the call and sent in webhooks."""

    USER_HANGUP = "user_hangup"
    ASSISTANT_HANGUP = "assistant_hangup"
    TRANSFERRED = "transferred"  # handed to somebody else, who has the caller now
    MAX_DURATION = "max_duration"
    CALLER_SILENT = "caller_silent"  # asked after several times, said nothing
    INSUFFICIENT_CREDITS = "insufficient_credits"
    OPERATOR_HANGUP = "operator_hangup"  # ended from the portal or the API
    CONNECTION_LOST = "connection_lost"
    NEVER_CONNECTED = "never_connected"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    VOICEMAIL = "voicemail"
    CARRIER_FAILED = "carrier_failed"
    VENDOR_FAILED = (
        "vendor_failed"  # a speech or language vendor; `owner` says whose key
    )
    TOOL_SERVER_FAILED = "tool_server_failed"  # a required MCP server is away
    VOICE_PROCESS_LOST = "voice_process_lost"
    NO_CAPACITY = "no_capacity"
    TAKEN_OVER = "taken_over"  # by a person, from the portal
    NUMBER_INACTIVE = "number_inactive"  # calls that came in and were not taken:
    NO_ASSISTANT = "no_assistant"
    ORGANIZATION_SUSPENDED = "organization_suspended"
    MINUTES_USED_UP = "minutes_used_up"  # those its agency allows it in a month
    SPENDING_LIMIT = "spending_limit"  # what it may use in an hour or a day
    TOO_MANY_CALLS = "too_many_calls"
    REQUEST_REJECTED = "request_rejected"  # by the answer to `assistant-request`
    CONSENT_DECLINED = "consent_declined"
    CONSENT_UNANSWERED = "consent_unanswered"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True)
class Caption:
    """Words as they come: interim ones of the caller, or those being spoken now."""

    speaker: Speaker
    text: str
    is_final: bool
    at_ms: int


@dataclass(frozen=True)
class TurnTiming:
    """Where the wait between the caller's last sound and the first audio back went."""

    response_ms: int
    endpointing_ms: int = 0
    stt_ms: int = 0
    llm_ms: int = 0
    tts_ms: int = 0
    transport_ms: int = 0


@dataclass(frozen=True)
class TurnSpoken:
    """One side spoke once. For the assistant `text` is what was really heard."""

    speaker: Speaker
    text: str
    started_ms: int
    ended_ms: int
    is_interrupted: bool = False
    timing: TurnTiming | None = None


@dataclass(frozen=True)
class ActivityChanged:
    """What one side is doing: `speaking`, `listening`, `thinking`, `away`."""

    speaker: Speaker
    activity: str
    at_ms: int


@dataclass(frozen=True)
class ToolCalled:
    name: str
    arguments: dict[str, Any]
    result: str
    is_error: bool
    started_ms: int
    ended_ms: int


@dataclass(frozen=True)
class TransferAsked:
    """The model or a person hands the call on; whether it worked, the end tells."""

    destination: str
    message: str | None
    at_ms: int


@dataclass(frozen=True)
class GivenBack:
    """A person who had taken the caller over has left them to the assistant again."""

    who: str
    user_id: str  # empty where the page's process did not say
    is_lost: bool  # their connection broke; nobody asked for it
    at_ms: int


@dataclass(frozen=True)
class Disclosed:
    """The caller was told that an AI speaks; `heard` is what of `text` was audible."""

    text: str
    heard: str
    is_whole: bool
    at_ms: int


@dataclass(frozen=True)
class Answered:
    """A person or a machine answered; `by` is person, machine or unsure."""

    by: str
    evidence: tuple[str, ...]
    greeting_ms: int
    at_ms: int


@dataclass(frozen=True)
class VendorTrouble:
    """A vendor erred; `owner` is whose key it was. A fatal one ends the call."""

    stage: str  # stt, llm or tts
    provider: str
    message: str
    owner: str  # organization or platform
    is_fatal: bool
    at_ms: int


@dataclass(frozen=True)
class VendorReplaced:
    """A stage's vendor failed, and the next in its list serves the rest of the call."""

    stage: str
    provider: str  # who failed
    stand_in: str
    at_ms: int


@dataclass(frozen=True)
class Usage:
    """What vendors will bill for this call.

    Tokens of sound are among the tokens of the model. `realtime_ms` is how long a model
    that bills by time was connected.
    """

    llm_input_tokens: int = 0
    llm_output_tokens: int = 0
    llm_cached_tokens: int = 0
    audio_input_tokens: int = 0
    audio_cached_tokens: int = 0
    audio_output_tokens: int = 0
    realtime_ms: int = 0
    tts_characters: int = 0
    stt_audio_ms: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True)
class SessionEnded:
    """The last event of every session, also of one that failed."""

    reason: EndReason
    at_ms: int
    error: str = ""
    fault_owner: str = ""
    usage: Usage = field(default_factory=Usage)


SessionEvent = (
    Caption
    | TurnSpoken
    | ActivityChanged
    | ToolCalled
    | TransferAsked
    | GivenBack
    | Disclosed
    | VendorTrouble
    | VendorReplaced
    | Answered
    | SessionEnded
)
EventSink = Callable[[SessionEvent], Awaitable[None]]
