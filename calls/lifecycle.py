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
_ERROR_REASONS: Final = frozenset({EndReason.VENDOR_FAILED, EndReason.INTERNAL_ERROR})
# The caller hears that it is not possible, and pays nothing.
_REFUSED_REASONS: Final = frozenset({EndReason.TOOL_SERVER_FAILED})


def final_status(reason: EndReason, *, was_connected: bool) -> S:
    """Return the status a call ends in for this reason."""
    if reason in _FAILED_REASONS:
        return S.FAILED
    if reason in _ERROR_REASONS:
        return S.ENDED_WITH_ERROR if was_connected else S.FAILED
    if reason is EndReason.TRANSFERRED and was_connected:
        return S.TRANSFERRED
    if reason in _REFUSED_REASONS:
        return S.FAILED if was_connected else S.REJECTED
    return S.ENDED


def move(call_id: UUID, to: S, **fields: Any) -> bool:
    """Move a call and set `fields` with it; return whether we made the move."""
    return bool(
        Call.objects.filter(pk=call_id, status__in=MOVES[to]).update(
            status=to, updated_at=timezone.now(), **fields
        )
    )
