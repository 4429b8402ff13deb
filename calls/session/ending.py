"""Why a conversation ends, and what is still said before it does."""

from __future__ import annotations

from dataclasses import dataclass

from livekit.agents.voice import SpeechHandle

from calls.media.link import LinkEnd
from calls.session.events import EndReason
from calls.session.faults import Fault

REASON_OF_LINK_END = {
    LinkEnd.REMOTE_HANGUP: EndReason.USER_HANGUP,
    LinkEnd.LOST: EndReason.CONNECTION_LOST,
    LinkEnd.LOCAL_CLOSE: EndReason.OPERATOR_HANGUP,
}


@dataclass(frozen=True)
class Ending:
    """The first one asked for wins; the caller hanging up cuts its words short."""

    reason: EndReason
    farewell: str | None = None
    after: SpeechHandle | None = None  # a reply to let finish; else speech is cut
    fault: Fault | None = None
    error: str = ""

    @classmethod
    def by_fault(cls, fault: Fault) -> Ending:
        return cls(EndReason.VENDOR_FAILED, fault=fault, error=str(fault))
