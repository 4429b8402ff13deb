"""What came of an attempt, read from how its call ended. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from calls.session.events import EndReason


class Outcome(StrEnum):
    """The result of one attempt, as it is counted and shown."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    VOICEMAIL = "voicemail"
    FAILED = "failed"


_PLAIN: Final[dict[str, Outcome]] = {
    EndReason.BUSY: Outcome.BUSY,
    EndReason.NO_ANSWER: Outcome.NO_ANSWER,
    EndReason.REJECTED: Outcome.REJECTED,
    EndReason.VOICEMAIL: Outcome.VOICEMAIL,
}
# Ours, not the callee's: somebody answered, but had no conversation worth the name.
_OUR_FAULT: Final = frozenset(
    {
        EndReason.VENDOR_FAILED,
        EndReason.VOICE_PROCESS_LOST,
        EndReason.CARRIER_FAILED,
        EndReason.NEVER_CONNECTED,
        EndReason.NO_CAPACITY,
        EndReason.INTERNAL_ERROR,
    }
)


def outcome_of(end_reason: str, *, was_connected: bool) -> Outcome:
    """Return what an ended call came to.

    A person who answered was reached, whoever hung up: nobody is called again because a
    conversation was short. An unknown reason counts by whether audio connected.
    """
    if end_reason in _PLAIN:
        return _PLAIN[end_reason]
    if end_reason in _OUR_FAULT or not was_connected:
        return Outcome.FAILED
    return Outcome.ANSWERED
