"""Credits that go back with their money; the one way a wallet falls below zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Greatest

from billing.ledger import Fact, Leg, lock_wallets, money_scope, write_entry
from billing.lots import burn_spent, reduce_lot
from billing.models import Account, CreditLot, LedgerEntry
from portal.models import Organization, User


@dataclass(frozen=True)
class Return:
    """What is taken back and why; below zero it is given again.

    `corrects` is the key of the entry that brought the credits.
    """

    organization: Organization
    microcredits: int
    kind: LedgerEntry.Kind
    key: str
    source_id: UUID
    corrects: str
    details: Mapping[str, Any] = field(default_factory=dict)
    source: str = "payment"
    memo: str = ""
    actor: User | None = None


def take_back(wanted: Return) -> tuple[LedgerEntry, bool]:
    """Take credits out of a wallet, spent or not, once for the key; say if this did it.

    What is missing becomes the wallet's debt: it stands below zero and no call starts
    until that is made good. The caller has a transaction.
    """
    organization, amount = wanted.organization, wanted.microcredits
    with money_scope(organization):
        lock_wallets(organization)
        done = LedgerEntry.objects.filter(idempotency_key=wanted.key).first()
        if done is not None:
            return done, False
        lots = burn_spent(organization)
        _allow_debt(organization, amount)
        first = LedgerEntry.objects.filter(idempotency_key=wanted.corrects).first()
        fact = Fact(
            organization=organization,
            kind=wanted.kind,
            key=wanted.key,
            source=wanted.source,
            source_id=wanted.source_id,
            memo=wanted.memo,
            actor=wanted.actor,
            details={"microcredits": amount, **wanted.details},
            corrects=first,
        )
        entry, _is_new = write_entry(
            fact,
            [
                Leg(organization, Account.Kind.WALLET, -amount),
                Leg(organization, Account.Kind.RETURNED, amount),
            ],
        )
        _move_lots(lots, first, amount)
    return entry, True


def _allow_debt(organization: Organization, amount: int) -> None:
    """Write down how far below its line the wallet is about to fall."""
    Account.objects.filter(organization=organization, kind=Account.Kind.WALLET).update(
        debt_microcredits=Greatest(
            F("debt_microcredits"),
            amount - F("balance_microcredits") - F("credit_line_microcredits"),
        )
    )


def _move_lots(lots: list[CreditLot], first: LedgerEntry | None, amount: int) -> None:
    """Take it off the lots it came in, then off the others; or put it back there."""
    own = [lot for lot in lots if first is not None and lot.entry_id == first.pk]
    if amount < 0:
        _put_back(first, -amount)
        return
    for lot in [*own, *(lot for lot in lots if lot not in own)]:
        amount -= reduce_lot(lot, amount)


def _put_back(first: LedgerEntry | None, amount: int) -> None:
    for lot in CreditLot.objects.filter(entry=first).order_by("priority"):
        room = min(amount, lot.amount_microcredits - lot.remaining_microcredits)
        lot.remaining_microcredits += room
        lot.save(update_fields=["remaining_microcredits"])
        amount -= room
