"""Corrections: an entry that puts right what another one did, and points at it.

Nothing that was posted changes. What a call cost stays what it cost, and so the usage
of an organization still equals its calls; a correction gives credits, or takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from billing.errors import IdempotencyConflict
from billing.grants import Credits, Reason, approved_by, issue_credits
from billing.ledger import money_scope
from billing.models import LedgerEntry
from billing.taking_back import Return, take_back
from portal.models import ForeignRow, Organization, User
from portal.services import audit


@dataclass(frozen=True)
class Correction:
    """What an organization gets for what an entry did wrong; below zero it is taken."""

    entry: LedgerEntry
    organization: Organization
    microcredits: int
    reason: str
    key: str

    @property
    def ledger_key(self) -> str:
        return f"correction:{self.organization.pk}:{self.key}"


def correctable(entry: LedgerEntry) -> list[Organization]:
    """Return whose credits an entry may have moved: its owner's, and its agency's pool."""
    owner = entry.organization
    return [owner] if owner.parent is None else [owner, owner.parent]


@transaction.atomic
def correct_entry(
    wanted: Correction, *, actor: User | None, approver: str = ""
) -> LedgerEntry:
    """Write a correction, once for its key; return its entry.

    What is taken may leave the wallet in debt, as with a refund. Raises `ForeignRow`
    for an organization the entry never touched, and `IdempotencyConflict` when the key
    corrected something else.
    """
    if wanted.organization.pk not in {one.pk for one in correctable(wanted.entry)}:
        raise ForeignRow("This entry is of another organization.")
    if not wanted.microcredits or not wanted.reason.strip():
        raise ValueError("A correction has an amount and a reason.")
    with money_scope(wanted.organization):
        entry, is_new = _write(wanted, actor, approver)
        is_same = (entry.corrects_id, entry.details["corrected_microcredits"]) == (
            wanted.entry.pk,
            wanted.microcredits,
        )
        if not is_same:
            raise IdempotencyConflict(f"The key {wanted.key!r} corrected otherwise.")
        if is_new:
            audit.record(
                organization=wanted.organization,
                actor=actor,
                action="entry.corrected",
                target=entry,
                changes={
                    "corrects": str(wanted.entry.pk),
                    "microcredits": wanted.microcredits,
                    "reason": wanted.reason,
                },
            )
    return entry


def _write(
    wanted: Correction, actor: User | None, approver: str
) -> tuple[LedgerEntry, bool]:
    details = {
        "corrected_microcredits": wanted.microcredits,
        **approved_by(actor, approver),
    }
    if wanted.microcredits > 0:
        return issue_credits(
            organization=wanted.organization,
            credits=[Credits(wanted.microcredits)],
            key=wanted.ledger_key,
            reason=Reason(
                kind=LedgerEntry.Kind.CORRECTION,
                source="correction",
                source_id=wanted.entry.pk,
                memo=wanted.reason,
                details=details,
                corrects=wanted.entry,
            ),
            actor=actor,
        )
    return take_back(
        Return(
            organization=wanted.organization,
            microcredits=-wanted.microcredits,
            kind=LedgerEntry.Kind.CORRECTION,
            key=wanted.ledger_key,
            source="correction",
            source_id=wanted.entry.pk,
            corrects=wanted.entry.idempotency_key,
            memo=wanted.reason,
            details=details,
            actor=actor,
        )
    )


def corrections_of(entry_id: UUID) -> list[LedgerEntry]:
    """Return the entries that correct one, oldest first, as far as the scope may see."""
    rows = LedgerEntry.objects.filter(corrects=entry_id).select_related("organization")
    return list(rows.order_by("created_at"))
