"""How a call of this process ends, in the terms of its bill: all that is known by then."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import Any, Final

from calls.media.link import MediaLink
from calls.media.text_link import TextLink
from calls.node.conversation import Conversation
from calls.services.finish import Outcome
from calls.session.events import EndReason, Usage
from calls.telephony.protocol import NoAnswerOutcome, NotAnswered
from common.edges import contained

logger = logging.getLogger(__name__)

NO_AUDIO_PATH: Final = (
    "No audio path came about. Check the network or firewall, then try again."
)
BROKE: Final = "The voice process failed."
STOPPED: Final = "The voice process was stopped during the call."

_REASON_OF: Final = {
    NoAnswerOutcome.BUSY: EndReason.BUSY,
    NoAnswerOutcome.NO_ANSWER: EndReason.NO_ANSWER,
    NoAnswerOutcome.REJECTED: EndReason.REJECTED,
    NoAnswerOutcome.FAILED: EndReason.CARRIER_FAILED,
}


def unanswered(refusal: NotAnswered) -> Outcome:
    """Return how a call ends that reached nobody, with the carrier's own code."""
    return Outcome(
        _REASON_OF[refusal.outcome],
        error=refusal.detail,
        carrier_code=refusal.code,
    )


def outcome_of(
    reason: EndReason,
    conversation: Conversation,
    link: MediaLink,
    *,
    error: str = "",
    fault_owner: str = "",
) -> Outcome:
    """Return how a call ends whose audio had connected, with its usage and quality."""
    return Outcome(
        reason,
        duration_ms=conversation.spoken_ms,
        error=error,
        fault_owner=fault_owner,
        usage=_used(conversation.usage, link) if conversation.ended else {},
        quality=_quality(link),
        recording=conversation.recording,
    )


def _used(usage: Usage, link: MediaLink) -> dict[str, Any]:
    """What vendors bill; what nobody heard is no speech."""
    if isinstance(link, TextLink):
        usage = replace(usage, tts_characters=0, stt_audio_ms=0)
    return asdict(usage)


def _quality(link: MediaLink) -> dict[str, Any]:
    with contained(logger, "no quality"):  # the bill does not depend on it
        return asdict(link.stats())
    return {}
