"""Burn order, expiry as a posting, and credits that move."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from billing.errors import IdempotencyConflict, NotEnoughCredits
from billing.grants import Credits, Reason, issue_credits, transfer_credits
from billing.holds import settle_call
from billing.ledger import lock_wallets
from billing.lots import burn_spent, expire_lots, lots_of
from billing.models import Account, CreditLot, LedgerEntry
from billing.reconciliation import reconcile
from portal.models import AuditRecord, ForeignRow, Organization
from portal.scope import all_organizations, organization_scope
from tests.billing.books import CREDIT, START, credits_of, hold, make_client

Kind = CreditLot.Kind


@pytest.fixture
def shop(acme: Organization) -> Organization:
    """A client with nothing yet."""
    return make_client(acme, "Shop")


def bring(
    organization: Organization,
    credits: int,
    kind: CreditLot.Kind = Kind.GRANT,
    days: int | None = None,
) -> None:
    expires_at = None if days is None else START + timedelta(days=days)
    with organization_scope(organization):
        issue_credits(
            organization=organization,
            credits=[Credits(credits * CREDIT, kind, expires_at)],
            key=uuid4().hex,
            reason=Reason(),
            actor=None,
        )


def spend(organization: Organization, credits: int) -> None:
    call_id = uuid4()
    hold(organization, call_id, client_price=credits * CREDIT)
    with organization_scope(organization):
        settle_call(call_id=call_id, seconds=60)


def left(organization: Organization) -> list[tuple[str, int]]:
    with organization_scope(organization):
        return [
            (lot.kind, lot.remaining_microcredits // CREDIT)
            for lot in lots_of(organization)
        ]


def expire(days: int) -> int:
    return expire_lots(START + timedelta(days=days))


def test_lots_burn_by_priority_then_expiry_then_age(shop: Organization) -> None:
    bring(shop, 1, Kind.PURCHASE)
    bring(shop, 2, Kind.GRANT, days=9)
    bring(shop, 3, Kind.GRANT, days=5)
    bring(shop, 4, Kind.BONUS)
    bring(shop, 5, Kind.PLAN, days=99)
    order = [("plan", 5), ("bonus", 4), ("grant", 3), ("grant", 2), ("purchase", 1)]
    assert left(shop) == order
    spend(shop, 10)
    assert left(shop) == [("grant", 2), ("grant", 2), ("purchase", 1)]
    spend(shop, 5)
    assert left(shop) == []
    assert reconcile() == []


def test_what_was_spent_before_a_lot_came_is_not_taken_from_it(
    shop: Organization,
) -> None:
    bring(shop, 10, Kind.PURCHASE)
    spend(shop, 6)
    bring(shop, 5, Kind.PLAN)
    assert left(shop) == [("plan", 5), ("purchase", 4)]


def test_expiry_is_a_posting_of_what_was_left(shop: Organization) -> None:
    bring(shop, 10, Kind.TRIAL, days=1)
    bring(shop, 10)
    spend(shop, 4)
    assert expire(0) == 0
    assert (expire(2), expire(2)) == (1, 0)
    assert credits_of(shop) == (10 * CREDIT, 0)
    with organization_scope(shop):
        entry = LedgerEntry.objects.get(kind="expiry")
        expired = Account.objects.get(kind="expired").balance_microcredits
    assert expired == entry.details["microcredits"] == 6 * CREDIT
    assert left(shop) == [("grant", 10)]
    assert reconcile() == []


def test_what_a_call_holds_expires_only_when_it_comes_back(shop: Organization) -> None:
    bring(shop, 10, Kind.TRIAL, days=1)
    call_id = uuid4()
    hold(shop, call_id, client_price=4 * CREDIT)
    assert expire(2) == 1
    assert credits_of(shop) == (0, 4 * CREDIT)
    with organization_scope(shop):
        settle_call(call_id=call_id, seconds=15)
    assert credits_of(shop) == (3 * CREDIT, 0)
    assert expire(2) == 1
    assert credits_of(shop) == (0, 0)
    assert reconcile() == []


def test_a_key_brings_credits_once(shop: Organization) -> None:
    with organization_scope(shop):
        made = [
            issue_credits(
                organization=shop,
                credits=[Credits(CREDIT), Credits(2 * CREDIT, Kind.BONUS)],
                key="once",
                reason=Reason(),
                actor=None,
            )[1]
            for _ in range(2)
        ]
        assert CreditLot.objects.count() == 2
    assert made == [True, False]
    assert credits_of(shop) == (3 * CREDIT, 0)


def move(client: Organization, credits: int, key: str = "k") -> LedgerEntry:
    assert client.parent is not None
    with organization_scope(client.parent):
        return transfer_credits(
            client=client,
            amount_microcredits=credits * CREDIT,
            idempotency_key=key,
            memo="Start",
            actor=None,
        )


def test_an_agency_moves_credits_to_a_client_once(
    acme: Organization, shop: Organization
) -> None:
    assert move(shop, 30) == move(shop, 30)
    assert credits_of(acme) == (70 * CREDIT, 0)
    assert credits_of(shop) == (30 * CREDIT, 0)
    assert left(acme) == [("grant", 70)]
    assert left(shop) == [("transfer", 30)]
    with pytest.raises(IdempotencyConflict):
        move(shop, 31)
    with organization_scope(acme):
        assert AuditRecord.objects.filter(action="credits.transferred").count() == 1
    assert reconcile() == []


def test_more_than_the_pool_has_does_not_move(
    acme: Organization, shop: Organization, globex: Organization
) -> None:
    with pytest.raises(NotEnoughCredits) as refused:
        move(shop, 101)
    assert refused.value.owner == "agency"
    with organization_scope(globex), pytest.raises(ForeignRow):
        transfer_credits(
            client=shop, amount_microcredits=1, idempotency_key="x", actor=None
        )
    assert credits_of(acme) == (100 * CREDIT, 0)
    assert credits_of(shop) == (0, 0)


def test_reconcile_sees_a_lot_that_lost_credits(shop: Organization) -> None:
    bring(shop, 3)
    with organization_scope(shop):
        CreditLot.objects.update(remaining_microcredits=CREDIT)
    [drift] = reconcile()
    assert drift.rule == "lots have less left than the wallet"
    assert (drift.expected, drift.found) == (3 * CREDIT, CREDIT)


def test_burning_twice_takes_once(shop: Organization) -> None:
    bring(shop, 10)
    spend(shop, 3)
    with organization_scope(shop), transaction.atomic():
        lock_wallets(shop)
        burn_spent(shop)
        burn_spent(shop)
    assert left(shop) == [("grant", 7)]


def test_expiry_needs_nobodys_scope(shop: Organization) -> None:
    bring(shop, 1, days=1)
    assert expire_lots(datetime(2999, 1, 1, tzinfo=START.tzinfo)) == 1
    with all_organizations("test"):
        assert CreditLot.objects.filter(remaining_microcredits__gt=0).count() > 0
