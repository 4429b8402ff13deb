"""The allowed moves of a call, and the one way to make them.

    connecting ──▶ ringing ──▶ in-progress ──▶ ended
        │             │             ├────────▶ ended-with-error
        │             │             └────────▶ transferred
        └─────────────┴──────────────────────▶ failed, rejected, insufficient-credits

A move is one UPDATE that repeats the old states in its WHERE. Zero rows means that
somebody else moved the call first, which is a normal answer.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from calls.models import Call
from calls.session.events import EndReason

S = Call.Status

MOVES: Final[dict[S, frozenset[S]]] = {
    S.RINGING: frozenset({S.CONNECTING}),
    S.IN_PROGRESS: frozenset({S.CONNECTING, S.RINGING}),
    S.ENDED: frozenset({S.CONNECTING, S.RINGING, S.IN_PROGRESS}),
    S.ENDED_WITH_ERROR: frozenset({S.IN_PROGRESS}),
    S.TRANSFERRED: frozenset({S.IN_PROGRESS}),
    S.FAILED: frozenset({S.CONNECTING, S.RINGING, S.IN_PROGRESS}),
    S.REJECTED: frozenset({S.CONNECTING, S.RINGING}),
    S.INSUFFICIENT_CREDITS: frozenset({S.CONNECTING, S.RINGING}),
}
FINAL: Final = frozenset(MOVES) - {S.RINGING, S.IN_PROGRESS}

_FAILED_REASONS: Final = frozenset(
    {
        EndReason.NEVER_CONNECTED,
        EndReason.NO_ANSWER,
        EndReason.BUSY,
        EndReason.REJECTED,
        EndReason.CARRIER_FAILED,
        EndReason.VOICE_PROCESS_LOST,
        EndReason.NO_CAPACITY,
    }
)
_REJECTED_REASONS: Final = frozenset(
    {
        EndReason.NUMBER_INACTIVE,
        EndReason.NO_ASSISTANT,
        EndReason.ORGANIZATION_SUSPENDED,
        EndReason.MINUTES_USED_UP,
        EndReason.SPENDING_LIMIT,
        EndReason.TOO_MANY_CALLS,
        EndReason.REQUEST_REJECTED,
        EndReason.TOOL_SERVER_FAILED,
    }
)
_ALWAYS: Final = dict.fromkeys(_FAILED_REASONS, S.FAILED) | {
    EndReason.TRANSFERRED: S.TRANSFERRED,
    EndReason.TOOL_SERVER_FAILED: S.FAILED,
}
_ERROR_REASONS: Final = frozenset({EndReason.VENDOR_FAILED, EndReason.INTERNAL_ERROR})


def final_status(reason: EndReason, *, was_connected: bool) -> S:
    """Return the status a call ends in for this reason."""
    if reason in _ERROR_REASONS:
        return S.ENDED_WITH_ERROR if was_connected else S.FAILED
    if not was_connected and reason in _REJECTED_REASONS:
        return S.REJECTED
    if not was_connected and reason is EndReason.INSUFFICIENT_CREDITS:
        return S.INSUFFICIENT_CREDITS
    return _ALWAYS.get(reason, S.ENDED)


def refused_status(reason: EndReason) -> S:
    """Return the status of a call that came in and was not taken.

    The caller of a number without credits is turned away like any other.
    """
    if reason is EndReason.INSUFFICIENT_CREDITS:
        return S.REJECTED
    return final_status(reason, was_connected=False)


def move(call_id: UUID, to: S, **fields: Any) -> bool:
    """Move a call and set `fields` with it; return whether we made the move."""
    return bool(
        Call.objects.filter(pk=call_id, status__in=MOVES[to]).update(
            status=to, updated_at=timezone.now(), **fields
        )
    )


def move_loaded(call: Call, to: S, **fields: Any) -> bool:
    """Move a call as `move` does, and the row in hand, which is locked, with it."""
    moved = move(call.pk, to, **fields)
    if moved:
        for name, value in {**fields, "status": str(to)}.items():
            setattr(call, name, value)
    return moved
