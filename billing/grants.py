"""Credits that come without a call: granted, moved from the agency, free each month.

Every grant is an entry, a posting and a lot in one transaction, once for its key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from billing.errors import IdempotencyConflict
from billing.ledger import Fact, Leg, lock_wallets, money_scope, write_entry
from billing.lots import add_lot, burn_spent
from billing.models import Account, CreditLot, LedgerEntry
from portal.models import ForeignRow, Organization, User
from portal.services import audit
from portal.trail import origin

MAX_KEY_LENGTH: Final = 64
Kind = Account.Kind


@dataclass(frozen=True)
class Credits:
    """What comes into a wallet: how much, of which kind, and until when."""

    microcredits: int
    kind: CreditLot.Kind = CreditLot.Kind.GRANT
    expires_at: datetime | None = None
    priority: int | None = None


@dataclass(frozen=True)
class Reason:
    """Why credits came: the entry's kind, its source, and the figures behind it."""

    kind: LedgerEntry.Kind = LedgerEntry.Kind.GRANT
    source: str = "grant"
    source_id: Any = None
    memo: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    corrects: LedgerEntry | None = None


@transaction.atomic
def issue_credits(
    *,
    organization: Organization,
    credits: list[Credits],
    key: str,
    reason: Reason,
    actor: User | None,
) -> tuple[LedgerEntry, bool]:
    """Bring credits into a wallet as one entry and a lot for each kind, once for `key`.

    Returns the entry and whether this made it.
    """
    total = sum(part.microcredits for part in credits)
    if total <= 0 or any(part.microcredits < 0 for part in credits):
        raise ValueError("A grant is more than nothing.")
    fact = Fact(
        organization=organization,
        kind=reason.kind,
        key=key,
        source=reason.source,
        source_id=reason.source_id,
        memo=reason.memo,
        details={"amount_microcredits": total, **reason.details},
        actor=actor,
        corrects=reason.corrects,
    )
    with money_scope(organization):
        lock_wallets(organization)
        burn_spent(organization)
        entry, is_new = write_entry(
            fact,
            [
                Leg(organization, Kind.WALLET, total),
                Leg(organization, Kind.ISSUED, -total),
            ],
        )
        if is_new:
            _settle_debt(organization)
            for part in credits:
                if part.microcredits:
                    add_lot(
                        organization=organization,
                        entry=entry,
                        kind=part.kind,
                        microcredits=part.microcredits,
                        expires_at=part.expires_at,
                        priority=part.priority,
                    )
    return entry, is_new


def grant_credits(
    *,
    organization: Organization,
    amount_microcredits: int,
    idempotency_key: str,
    memo: str = "",
    actor: User | None,
    kind: CreditLot.Kind = CreditLot.Kind.GRANT,
    expires_at: datetime | None = None,
    approver: str = "",
) -> LedgerEntry:
    """Issue credits into a wallet, once for each key of the organization.

    `memo` is the reason, `actor` who wanted it and `approver` who answers for it, the
    same person unless said. The same key again returns the first entry and changes
    nothing; with another amount it raises `IdempotencyConflict`.
    """
    if not 0 < len(idempotency_key) <= MAX_KEY_LENGTH:
        raise ValueError(f"An idempotency key has 1 to {MAX_KEY_LENGTH} characters.")
    entry, is_new = issue_credits(
        organization=organization,
        credits=[Credits(amount_microcredits, kind, expires_at)],
        key=f"grant:{organization.pk}:{idempotency_key}",
        reason=Reason(
            memo=memo,
            details={"kind": kind.value, **approved_by(actor, approver)},
        ),
        actor=actor,
    )
    if entry.details["amount_microcredits"] != amount_microcredits:
        raise IdempotencyConflict(
            f"The key {idempotency_key!r} granted another amount."
        )
    if is_new and (actor is not None or origin().api_key):
        with money_scope(organization):
            audit.record(
                organization=organization,
                actor=actor,
                action="credits.granted",
                target=entry,
                changes={"microcredits": amount_microcredits, "reason": memo},
            )
    return entry


def approved_by(actor: User | None, approver: str) -> dict[str, str]:
    """Return who answers for credits that were given by hand, as the entry keeps it."""
    name = approver or (actor.email if actor else origin().api_key)
    return {"approver": name} if name else {}


def _settle_debt(organization: Organization) -> None:
    """Let a wallet that rose not fall again to where a refund had taken it."""
    Account.objects.filter(
        organization=organization, kind=Kind.WALLET, debt_microcredits__gt=0
    ).update(
        debt_microcredits=Greatest(
            0, -F("balance_microcredits") - F("credit_line_microcredits")
        )
    )


@transaction.atomic
def transfer_credits(
    *,
    client: Organization,
    amount_microcredits: int,
    idempotency_key: str,
    memo: str = "",
    actor: User | None,
    approver: str = "",
) -> LedgerEntry:
    """Move credits from an agency's pool into a client's wallet, in one entry.

    Raises `NotEnoughCredits` when the pool has less, and then nothing moves. The pool
    also pays for the client's calls: this is for credits the agency gives up for good.
    """
    agency = client.parent
    if agency is None:
        raise ForeignRow("Credits move from an agency to a client of it.")
    if amount_microcredits <= 0:
        raise ValueError("A transfer is more than nothing.")
    fact = Fact(
        organization=client,
        kind=LedgerEntry.Kind.TRANSFER,
        key=f"transfer:{client.pk}:{idempotency_key}",
        source="transfer",
        memo=memo,
        details={
            "amount_microcredits": amount_microcredits,
            **approved_by(actor, approver),
        },
        actor=actor,
    )
    with money_scope(agency):
        lock_wallets(client, agency)
        burn_spent(client)
        burn_spent(agency)
        entry, is_new = write_entry(
            fact,
            [
                Leg(agency, Kind.WALLET, -amount_microcredits),
                Leg(agency, Kind.SENT, amount_microcredits),
                Leg(client, Kind.WALLET, amount_microcredits),
                Leg(client, Kind.ISSUED, -amount_microcredits),
            ],
            needs=amount_microcredits,
            payer=agency,
        )
        if is_new:
            add_lot(
                organization=client,
                entry=entry,
                kind=CreditLot.Kind.TRANSFER,
                microcredits=amount_microcredits,
            )
            audit.record(
                organization=agency,
                actor=actor,
                action="credits.transferred",
                target=entry,
                changes={"client": str(client.pk), "microcredits": amount_microcredits},
            )
    if entry.details["amount_microcredits"] != amount_microcredits:
        raise IdempotencyConflict(f"The key {idempotency_key!r} moved another amount.")
    return entry


def month_of(organization: Organization, at: datetime) -> tuple[str, datetime]:
    """Return the month a moment falls in, and when it ends, where the organization is."""
    here = at.astimezone(ZoneInfo(organization.time_zone))
    first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    is_december = first.month == 12
    following = first.replace(
        year=first.year + is_december, month=1 if is_december else first.month + 1
    )
    return f"{first:%Y-%m}", following
