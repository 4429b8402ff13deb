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
    DROPPED = "dropped"  # answered, and gone before there was a conversation
    FAILED = "failed"


# What is tried again unless a rule says otherwise. Whoever was spoken to is not.
RETRIED: Final = frozenset(
    {
        Outcome.BUSY,
        Outcome.NO_ANSWER,
        Outcome.REJECTED,
        Outcome.VOICEMAIL,
        Outcome.FAILED,
    }
)


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

_GONE: Final = frozenset({EndReason.USER_HANGUP, EndReason.CONNECTION_LOST})


def outcome_of(
    end_reason: str,
    *,
    was_connected: bool,
    duration_ms: int | None = None,
    dropped_below_ms: int = 0,
) -> Outcome:
    """Return what an ended call came to.

    A person who answered was reached, whoever hung up: nobody is called again because a
    conversation was short. Only who hung up within `dropped_below_ms` counts as
    dropped, which a campaign may try again. An unknown reason counts by whether audio
    connected.
    """
    if end_reason in _PLAIN:
        return _PLAIN[end_reason]
    if end_reason in _OUR_FAULT or not was_connected:
        return Outcome.FAILED
    if (
        end_reason in _GONE
        and duration_ms is not None
        and duration_ms < dropped_below_ms
    ):
        return Outcome.DROPPED
    return Outcome.ANSWERED
