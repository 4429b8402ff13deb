"""Twilio's words: media-stream messages, TwiML, and what its call statuses mean. Pure."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from twilio.twiml.voice_response import Connect, Reject, VoiceResponse

from calls.telephony.protocol import NoAnswerOutcome, RejectReason
from calls.telephony.streams.wire import Event, Started, check_encoding, read


def decode(text: str) -> Event:
    """Return what a message says; `None` for one that says nothing to us."""
    return read(text, _started)


def _started(message: dict[str, Any]) -> Started:
    start = message["start"]
    check_encoding(start.get("mediaFormat", {}), "audio/x-mulaw")
    return Started(
        call=str(start["callSid"]),
        stream=str(message.get("streamSid") or start["streamSid"]),
    )


def encode_media(stream_sid: str, payload: bytes) -> str:
    """Return the message that plays µ-law to the caller."""
    return json.dumps(
        {
            "event": "media",
            "streamSid": stream_sid,
            "media": {"payload": base64.b64encode(payload).decode()},
        }
    )


def connect_twiml(url: str) -> str:
    """Return TwiML that sends the call's audio here, both ways."""
    connect = Connect()
    connect.stream(url=url)
    response = VoiceResponse()
    response.append(connect)
    return str(response)


def reject_twiml(reason: RejectReason) -> str:
    """Return TwiML that turns a call away unanswered, free of charge."""
    word = (
        "busy" if reason in (RejectReason.BUSY, RejectReason.OVER_LIMIT) else "rejected"
    )
    response = VoiceResponse()
    response.append(Reject(reason=word))
    return str(response)


# https://www.twilio.com/docs/voice/api/call-resource#call-status-values
OUTCOMES: Final = {
    "busy": NoAnswerOutcome.BUSY,
    "no-answer": NoAnswerOutcome.NO_ANSWER,
    "canceled": NoAnswerOutcome.NO_ANSWER,
    "failed": NoAnswerOutcome.FAILED,
}
# A person who declines is `busy` to Twilio; the SIP status tells them apart.
DECLINED: Final = frozenset({"403", "603", "607", "608"})


def outcome_of(status: str, sip_code: str) -> NoAnswerOutcome | None:
    """Return why nobody answered; `None` for a status that does not say so."""
    outcome = OUTCOMES.get(status)
    if outcome is not None and sip_code in DECLINED:
        return NoAnswerOutcome.REJECTED
    return outcome
