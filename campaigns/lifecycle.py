"""The allowed moves of a campaign, a lead and an attempt, and the one way to make them.

    campaign   draft ──▶ scheduled ◀──▶ paused          scheduled ──▶ completed
                 └───────────┴────────────┴──▶ cancelled

    lead       pending ◀──▶ calling ──▶ completed, failed ──▶ pending, by a wish
                  └────────────┴──────▶ skipped ──────────────┘

    attempt    claimed ──▶ placed ──▶ finished
                  └──────────────────────▲

A move is one UPDATE that repeats the old states in its WHERE. Zero rows means that
somebody else moved it first, which is a normal answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from campaigns.models import Attempt, Campaign, Lead

C = Campaign.Status
L = Lead.Status
A = Attempt.Status

CAMPAIGN_MOVES: Final[dict[C, frozenset[C]]] = {
    C.SCHEDULED: frozenset({C.DRAFT, C.PAUSED}),
    C.PAUSED: frozenset({C.SCHEDULED}),
    C.COMPLETED: frozenset({C.SCHEDULED}),
    C.CANCELLED: frozenset({C.DRAFT, C.SCHEDULED, C.PAUSED}),
}
LEAD_MOVES: Final[dict[L, frozenset[L]]] = {
    L.CALLING: frozenset({L.PENDING}),
    L.PENDING: frozenset({L.CALLING, L.COMPLETED, L.FAILED, L.SKIPPED}),
    L.COMPLETED: frozenset({L.CALLING}),
    L.FAILED: frozenset({L.CALLING}),
    L.SKIPPED: frozenset({L.PENDING, L.CALLING}),
}
ATTEMPT_MOVES: Final[dict[A, frozenset[A]]] = {
    A.PLACED: frozenset({A.CLAIMED}),
    A.FINISHED: frozenset({A.CLAIMED, A.PLACED}),
}


def move_campaign(
    campaign_id: UUID, to: C, *, only_from: C | None = None, **fields: Any
) -> bool:
    """Move a campaign and set `fields` with it; return whether we made the move."""
    allowed = CAMPAIGN_MOVES[to] & {only_from} if only_from else CAMPAIGN_MOVES[to]
    return bool(
        Campaign.objects.filter(pk=campaign_id, status__in=allowed).update(
            status=to, **fields
        )
    )


def move_lead(
    lead_id: UUID, to: L, *, only_from: L | None = None, **fields: Any
) -> bool:
    """Move a lead and set `fields` with it; return whether we made the move."""
    return bool(move_leads([lead_id], to, only_from=only_from, **fields))


def move_loaded_lead(
    lead: Lead, to: L, *, only_from: L | None = None, **fields: Any
) -> bool:
    """Move a lead as `move_lead` does, and the row in hand, which is locked, with it."""
    moved = move_lead(lead.pk, to, only_from=only_from, **fields)
    if moved:
        for name, value in {**fields, "status": str(to)}.items():
            setattr(lead, name, value)
    return moved


def move_leads(
    lead_ids: Iterable[UUID], to: L, *, only_from: L | None = None, **fields: Any
) -> int:
    """Move leads and set `fields` with them; return for how many we made the move."""
    allowed = LEAD_MOVES[to] & {only_from} if only_from else LEAD_MOVES[to]
    return Lead.objects.filter(pk__in=lead_ids, status__in=allowed).update(
        status=to, **fields
    )


def move_attempt(attempt_id: UUID, to: A, **fields: Any) -> bool:
    """Move an attempt and set `fields` with it; return whether we made the move."""
    return bool(move_attempts([attempt_id], to, **fields))


def move_attempts(attempt_ids: Iterable[UUID], to: A, **fields: Any) -> int:
    """Move attempts and set `fields` with them; return for how many we made the move."""
    return Attempt.objects.filter(
        pk__in=attempt_ids, status__in=ATTEMPT_MOVES[to]
    ).update(status=to, **fields)
