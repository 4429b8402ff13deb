"""Reads what a page sends to open a call, and says plainly what is wrong with it.

Pure: an offer is text until it has passed here. What passes has exactly one audio
section that speaks Opus both ways, with all that ICE and DTLS need.
"""

from __future__ import annotations

from typing import Any

from aiortc import RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp

MAX_OFFER_BYTES = 65_536
MAX_CANDIDATE_BYTES = 1_024

# What aiortc's parser raises on text that is no SDP; it validates as it goes.
PARSE_ERRORS = (
    ValueError,
    AssertionError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
)


class BadSignal(ValueError):
    """A signalling message that cannot be acted on; its text may be shown.

    BadSignal
    ├── BadOffer
    └── BadCandidate
    """

    code = "bad_signal"


class BadOffer(BadSignal):
    code = "bad_offer"


class BadCandidate(BadSignal):
    code = "bad_candidate"


def check_offer(sdp: object) -> str:
    """Return the offer when a call can be answered from it; raise `BadOffer` if not."""
    if not isinstance(sdp, str) or not sdp.strip():
        raise BadOffer("The offer is empty.")
    if len(sdp) > MAX_OFFER_BYTES:
        raise BadOffer("The offer is too long.")
    if not sdp.lstrip().startswith("v=0"):
        raise BadOffer("The offer is not a session description (SDP).")
    try:
        session = SessionDescription.parse(sdp)
    except PARSE_ERRORS as error:
        raise BadOffer("The offer is not a session description (SDP).") from error
    if not session.media:
        raise BadOffer("The offer holds no audio.")
    if any(media.kind != "audio" for media in session.media):
        raise BadOffer("The offer asks for video or data; a call carries audio only.")
    if len(session.media) > 1:
        raise BadOffer("The offer holds more than one audio track.")
    _check_audio(session.media[0])
    return sdp


def _check_audio(media: MediaDescription) -> None:
    names = sorted({codec.name.lower() for codec in media.rtp.codecs})
    if "opus" not in names:
        offered = ", ".join(names) or "none"
        raise BadOffer(
            f"The offer has no codec in common with us: Opus, not {offered}."
        )
    if media.port == 0 or media.direction == "inactive":
        raise BadOffer("The offer's audio is switched off.")
    if media.direction == "recvonly":
        raise BadOffer("The offer sends no audio: is the microphone allowed?")
    if media.direction == "sendonly":
        raise BadOffer("The offer receives no audio.")
    if not media.rtcp_mux:
        raise BadOffer("The offer does not multiplex RTCP.")
    ice = media.ice
    if ice is None or not ice.usernameFragment or not ice.password:
        raise BadOffer("The offer holds no ICE credentials.")
    if media.dtls is None or not media.dtls.fingerprints:
        raise BadOffer("The offer holds no DTLS fingerprint.")


def parse_candidate(candidate: object) -> RTCIceCandidate | None:
    """Return a trickled candidate, or None for one we cannot use or the last of them.

    A candidate is what a browser's `RTCIceCandidate.toJSON()` gives. TCP candidates
    are none of ours: aioice speaks UDP to peers.
    """
    if candidate is None:
        return None
    if not isinstance(candidate, dict):
        raise BadCandidate("The candidate is not an object.")
    text: Any = candidate.get("candidate")
    if not isinstance(text, str) or len(text) > MAX_CANDIDATE_BYTES:
        raise BadCandidate("The candidate is not text.")
    text = text.removeprefix("a=").removeprefix("candidate:").strip()
    if not text:
        return None
    try:
        parsed = candidate_from_sdp(text)
    except PARSE_ERRORS as error:
        raise BadCandidate("The candidate cannot be read.") from error
    if parsed.protocol.lower() != "udp":
        return None
    if not 0 < parsed.port < 65_536:
        raise BadCandidate("The candidate has no valid port.")
    parsed.sdpMLineIndex = 0
    return parsed


def is_end_of_candidates(candidate: object) -> bool:
    """Return whether a page says that no more candidates come."""
    return candidate is None or (
        isinstance(candidate, dict) and candidate.get("candidate") == ""
    )
