"""Telnyx's words: media-stream messages, events of a call, and what its causes mean. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

from calls.telephony.protocol import NoAnswerOutcome, RejectReason
from calls.telephony.streams.wire import (
    BadMessage,
    Event,
    Started,
    check_encoding,
    read,
)


def decode(text: str) -> Event:
    """Return what a stream's message says; `None` for one that says nothing to us."""
    return read(text, _started)


def _started(message: dict[str, Any]) -> Started:
    start = message["start"]
    check_encoding(start.get("media_format", {}), "PCMU")
    return Started(call=str(start["call_control_id"]))


def encode_media(payload: bytes) -> str:
    """Return the message that plays µ-law to the caller."""
    encoded = base64.b64encode(payload).decode()
    return json.dumps({"event": "media", "media": {"payload": encoded}})


@dataclass(frozen=True)
class CallNews:
    """One event of a call."""

    kind: str  # call.initiated, call.answered, call.hangup …
    call_control_id: str
    is_incoming: bool
    caller: str
    called: str
    cause: str
    sip_code: str


def read_event(body: dict[str, Any]) -> CallNews:
    """Return a webhook's event, or raise `BadMessage`."""
    try:
        data = body["data"]
        payload = data["payload"]
        return CallNews(
            kind=str(data["event_type"]),
            call_control_id=str(payload["call_control_id"]),
            is_incoming=payload.get("direction") == "incoming",
            caller=str(payload.get("from") or ""),
            called=str(payload.get("to") or ""),
            cause=str(payload.get("hangup_cause") or ""),
            sip_code=str(payload.get("sip_hangup_cause") or ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadMessage("no event of a call") from error


OUTCOMES: Final = {
    "user_busy": NoAnswerOutcome.BUSY,
    "timeout": NoAnswerOutcome.NO_ANSWER,
    "originator_cancel": NoAnswerOutcome.NO_ANSWER,
    "no_answer": NoAnswerOutcome.NO_ANSWER,
    "call_rejected": NoAnswerOutcome.REJECTED,
}
REJECTIONS: Final = {
    RejectReason.BUSY: "USER_BUSY",
    RejectReason.UNKNOWN_NUMBER: "NOT_FOUND",
    RejectReason.UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    RejectReason.OVER_LIMIT: "TEMPORARILY_UNAVAILABLE",
    RejectReason.FAILED: "TEMPORARILY_UNAVAILABLE",
    RejectReason.DECLINED: "CALL_REJECTED",
    RejectReason.FORBIDDEN: "CALL_REJECTED",
}


def outcome_of(cause: str) -> NoAnswerOutcome:
    """Return why nobody answered, from the cause of a hang-up before the answer."""
    return OUTCOMES.get(cause, NoAnswerOutcome.FAILED)
