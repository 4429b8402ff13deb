"""What is left of each lot of credits, and what becomes of a lot whose time is over.

Calls move a wallet's balance and know nothing of lots. So what lots have left, summed,
is what the wallet has (held credits included) plus what was spent since somebody last
looked; `burn_spent` takes that off the lots in burn order. Whoever adds, takes back or
expires a lot does so first, under the wallet's lock: between two such moments the lots
are the same, and so it makes no difference that burning is done late.

Burn order: priority, then earliest expiry, then oldest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from billing.ledger import Fact, Leg, lock_wallets, write_entry
from billing.models import Account, CreditLot, LedgerEntry
from common.ids import uuid7
from portal.models import Organization
from portal.scope import Scope, agency_scope, all_organizations, scoped

SWEEP_BATCH: Final = 100
Kind = CreditLot.Kind
# Included and given credits go before those that were paid for.
PRIORITY: Final = {
    Kind.PLAN: 10,
    Kind.FREE: 10,
    Kind.TRIAL: 20,
    Kind.BONUS: 30,
    Kind.COUPON: 30,
    Kind.GRANT: 50,
    Kind.PURCHASE: 50,
    Kind.TRANSFER: 50,
}


def burn_spent(organization: Organization) -> list[CreditLot]:
    """Take what was spent off the lots; return those with something left, in burn order.

    The caller holds the wallet's lock.
    """
    has = Account.objects.filter(
        organization=organization, kind__in=[Account.Kind.WALLET, Account.Kind.HELD]
    ).aggregate(sum=Sum("balance_microcredits"))["sum"]
    lots = list(
        CreditLot.objects.filter(
            organization=organization, remaining_microcredits__gt=0
        ).order_by("priority", F("expires_at").asc(nulls_last=True), "created_at", "pk")
    )
    spent = sum(lot.remaining_microcredits for lot in lots) - max(0, has or 0)
    for lot in lots:
        if spent <= 0:
            break
        spent -= reduce_lot(lot, spent)
    return [lot for lot in lots if lot.remaining_microcredits]


def reduce_lot(lot: CreditLot, microcredits: int) -> int:
    """Take up to this much off a lot; return what it was."""
    taken = min(microcredits, lot.remaining_microcredits)
    lot.remaining_microcredits -= taken
    lot.save(update_fields=["remaining_microcredits"])
    return taken


def add_lot(
    *,
    organization: Organization,
    entry: LedgerEntry,
    kind: CreditLot.Kind,
    microcredits: int,
    expires_at: datetime | None = None,
    priority: int | None = None,
) -> CreditLot:
    """Keep what an entry brought as a lot; the caller burned what was spent before it."""
    return CreditLot.objects.create(
        organization=organization,
        agency_id=organization.agency_id,
        entry=entry,
        kind=kind,
        priority=PRIORITY[kind] if priority is None else priority,
        amount_microcredits=microcredits,
        remaining_microcredits=microcredits,
        expires_at=expires_at,
    )


def lots_of(organization: Organization) -> list[CreditLot]:
    """Return what an organization has left, lot by lot, in the order it will burn."""
    with agency_scope(organization.agency_id), transaction.atomic():
        lock_wallets(organization)
        return burn_spent(organization)


def expire_lots(now: datetime) -> int:
    """Post the expiry of every lot whose time is over; return how many were.

    What a call holds stays with the call: should it come back, it expires then. One
    transaction for each organization; any number of sweepers may run at once.
    """
    expired = 0
    with all_organizations("a lot expires whoever owns it"):
        due = list(
            CreditLot.objects.filter(expires_at__lte=now, remaining_microcredits__gt=0)
            .order_by("organization_id")
            .values_list("organization_id", "agency_id")
            .distinct()[:SWEEP_BATCH]
        )
    for organization_id, agency_id in due:
        expired += _expire(organization_id, agency_id, now)
    return expired


def _expire(organization_id: UUID, agency_id: UUID, now: datetime) -> int:
    with scoped(Scope(agency_id, None)), transaction.atomic():
        organization = Organization.objects.get(pk=organization_id)
        lock_wallets(organization)
        lots = burn_spent(organization)
        accounts = dict(
            Account.objects.filter(organization=organization).values_list(
                "kind", "balance_microcredits"
            )
        )
        held = max(0, accounts[Account.Kind.HELD])
        count = 0
        for lot in lots:
            kept = min(held, lot.remaining_microcredits)
            held -= kept
            gone = lot.remaining_microcredits - kept
            if lot.expires_at is None or lot.expires_at > now or gone == 0:
                continue
            _post_expiry(organization, lot, gone)
            count += 1
        return count


def _post_expiry(organization: Organization, lot: CreditLot, microcredits: int) -> None:
    assert lot.expires_at is not None
    fact = Fact(
        organization=organization,
        kind=LedgerEntry.Kind.EXPIRY,
        key=f"expiry:{lot.pk}:{uuid7()}",
        source="lot",
        source_id=lot.pk,
        memo=str(lot.get_kind_display()),
        details={
            "lot_id": str(lot.pk),
            "microcredits": microcredits,
            "expires_at": lot.expires_at.isoformat(),
        },
    )
    write_entry(
        fact,
        [
            Leg(organization, Account.Kind.WALLET, -microcredits),
            Leg(organization, Account.Kind.EXPIRED, microcredits),
        ],
    )
    reduce_lot(lot, microcredits)
