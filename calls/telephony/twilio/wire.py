"""Twilio's words: media-stream messages, TwiML, and what its call statuses mean. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from twilio.twiml.voice_response import Connect, Reject, VoiceResponse

from calls.telephony.protocol import NoAnswerOutcome, RejectReason


class BadMessage(ValueError):
    """A message that is none of Twilio's."""


@dataclass(frozen=True)
class Started:
    """Audio flows. `parameters` are those of our TwiML."""

    stream_sid: str
    call_sid: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class Media:
    payload: bytes


@dataclass(frozen=True)
class Key:
    digit: str


@dataclass(frozen=True)
class Stopped:
    """The call, or our part of it, is over."""


Event = Started | Media | Key | Stopped | None


def decode(text: str) -> Event:
    """Return what a message says; `None` for one that says nothing to us."""
    try:
        message = json.loads(text)
        kind = message["event"]
        if kind == "media":
            body = message["media"]
            if body.get("track", "inbound") != "inbound":
                return None
            return Media(base64.b64decode(body["payload"], validate=True))
        if kind == "start":
            start = message["start"]
            _check_format(start.get("mediaFormat", {}))
            return Started(
                str(message.get("streamSid") or start["streamSid"]),
                str(start["callSid"]),
                {str(k): str(v) for k, v in start.get("customParameters", {}).items()},
            )
        if kind == "dtmf":
            return Key(str(message["dtmf"]["digit"])[:1])
        return Stopped() if kind == "stop" else None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise BadMessage(f"no message of a media stream: {error}") from error


def _check_format(media_format: dict[str, Any]) -> None:
    if media_format.get("encoding", "audio/x-mulaw") != "audio/x-mulaw":
        raise ValueError(f"unknown encoding {media_format.get('encoding')}")


def encode_media(stream_sid: str, payload: bytes) -> str:
    """Return the message that plays µ-law to the caller."""
    return json.dumps(
        {
            "event": "media",
            "streamSid": stream_sid,
            "media": {"payload": base64.b64encode(payload).decode()},
        }
    )


def connect_twiml(url: str, token: str) -> str:
    """Return TwiML that sends the call's audio here, both ways."""
    connect = Connect()
    stream = connect.stream(url=url)
    stream.parameter(name="token", value=token)
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
