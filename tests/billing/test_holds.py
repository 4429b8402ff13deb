from __future__ import annotations

import uuid
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from billing.errors import NotEnoughCredits, UnknownHold
from billing.holds import (
    CallCost,
    extend_hold,
    hold_for_call,
    release_expired_holds,
    release_hold,
    settle_call,
)
from billing.models import Hold, LedgerEntry, Posting
from billing.reconciliation import reconcile
from billing.tariff import CallPrice, Tariff
from portal.models import ForeignRow, Organization
from portal.scope import agency_scope, all_organizations, organization_scope
from tests.billing.books import (
    CREDIT,
    START,
    credits_of,
    hold,
    make_agency,
    make_client,
    used_by,
)


@pytest.fixture
def call_id() -> uuid.UUID:
    return uuid4()


def extend(
    organization: Organization, call_id: uuid.UUID, total: int, lasts_s: int = 60
) -> int:
    with organization_scope(organization):
        return extend_hold(
            call_id=call_id,
            total_seconds=total,
            expires_at=START + timedelta(seconds=lasts_s),
        )


def settle(organization: Organization, call_id: uuid.UUID, seconds: int) -> CallCost:
    with organization_scope(organization):
        return settle_call(call_id=call_id, seconds=seconds)


def release(organization: Organization, call_id: uuid.UUID) -> bool:
    with organization_scope(organization):
        return release_hold(call_id=call_id)


def sweep(after_s: int) -> int:
    return release_expired_holds(START + timedelta(seconds=after_s))


def test_a_clients_call_holds_in_both_wallets(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    assert hold(bakery, call_id, 60).seconds == 60
    assert credits_of(bakery) == (8 * CREDIT, 2 * CREDIT)
    assert credits_of(acme) == (99 * CREDIT, 1 * CREDIT)
    assert reconcile() == []


def test_an_agencys_own_call_holds_its_pool_alone(
    acme: Organization, call_id: uuid.UUID
) -> None:
    hold(acme, call_id, 60)
    assert credits_of(acme) == (99 * CREDIT, 1 * CREDIT)
    assert settle(acme, call_id, 30) == CallCost(CREDIT // 2, CREDIT // 2)
    assert credits_of(acme) == (99_500_000, 0)
    assert reconcile() == []


def test_holding_twice_holds_once(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert hold(bakery, call_id, 90).seconds == 60
    assert credits_of(bakery) == (8 * CREDIT, 2 * CREDIT)
    assert credits_of(acme) == (99 * CREDIT, 1 * CREDIT)


def test_holding_again_with_an_empty_wallet_returns_what_was_held(
    bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 300)
    assert credits_of(bakery) == (0, 10 * CREDIT)
    assert hold(bakery, call_id, 300).seconds == 300


def test_a_poor_client_holds_what_it_can_pay_for(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    assert hold(bakery, call_id, 600).seconds == 300
    assert credits_of(bakery) == (0, 10 * CREDIT)
    assert credits_of(acme) == (95 * CREDIT, 5 * CREDIT)


def test_a_poor_pool_shortens_the_clients_hold(call_id: uuid.UUID, db: None) -> None:
    agency = make_agency(credits=1)
    client = make_client(agency, credits=10)
    assert hold(client, call_id, 120).seconds == 60
    assert credits_of(client) == (8 * CREDIT, 2 * CREDIT)
    assert credits_of(agency) == (0, CREDIT)


def test_a_client_without_credits_is_refused_and_nothing_moves(
    acme: Organization, call_id: uuid.UUID
) -> None:
    client = make_client(acme)
    with pytest.raises(NotEnoughCredits) as refused:
        hold(client, call_id, 60)
    assert (refused.value.owner, refused.value.organization_id) == (
        "organization",
        client.pk,
    )
    assert refused.value.affordable_seconds == 0
    assert credits_of(acme) == (100 * CREDIT, 0)
    with all_organizations("nothing was written anywhere"):
        assert not Hold.objects.exists()
        assert not LedgerEntry.objects.filter(kind="hold").exists()


def test_an_empty_pool_is_named_as_the_agencys(call_id: uuid.UUID, db: None) -> None:
    agency = make_agency()
    client = make_client(agency, credits=10)
    with pytest.raises(NotEnoughCredits) as refused:
        hold(client, call_id, 60)
    assert (refused.value.owner, refused.value.organization_id) == ("agency", agency.pk)
    assert credits_of(client) == (10 * CREDIT, 0)


def test_an_agency_without_credits_is_named_as_the_organization(
    call_id: uuid.UUID, db: None
) -> None:
    agency = make_agency()
    with pytest.raises(NotEnoughCredits) as refused:
        hold(agency, call_id, 60)
    assert (refused.value.owner, refused.value.organization_id) == (
        "organization",
        agency.pk,
    )


@pytest.mark.parametrize(
    ("price", "is_enough"), [(60 * CREDIT, True), (61 * CREDIT, False)]
)
def test_ten_seconds_are_the_least(
    bakery: Organization, call_id: uuid.UUID, price: int, is_enough: bool
) -> None:
    if is_enough:
        assert hold(bakery, call_id, 60, client_price=price).seconds == 10
    else:
        with pytest.raises(NotEnoughCredits) as refused:
            hold(bakery, call_id, 60, client_price=price)
        assert refused.value.affordable_seconds == 9


def test_a_free_call_holds_nothing_and_costs_nothing(
    acme: Organization, call_id: uuid.UUID
) -> None:
    client = make_client(acme)
    assert hold(client, call_id, 60, client_price=0).seconds == 60
    assert settle(client, call_id, 60) == CallCost(0, CREDIT)
    assert credits_of(client) == (0, 0)
    assert credits_of(acme) == (99 * CREDIT, 0)
    assert reconcile() == []


@pytest.mark.parametrize(
    ("seconds", "client_price", "pool_price", "message"),
    [
        (0, 1, 1, "at least a second"),
        (1, -1, 1, "below zero"),
        (1, 1, -1, "below zero"),
    ],
)
def test_nonsense_is_not_held(
    bakery: Organization, seconds: int, client_price: int, pool_price: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        hold(bakery, uuid4(), seconds, client_price=client_price, pool_price=pool_price)


def test_extending_covers_more_in_both_wallets(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert extend(bakery, call_id, 90, lasts_s=90) == 90
    assert credits_of(bakery) == (7 * CREDIT, 3 * CREDIT)
    assert credits_of(acme) == (98_500_000, 1_500_000)
    assert extend(bakery, call_id, 90, lasts_s=90) == 90
    assert credits_of(bakery) == (7 * CREDIT, 3 * CREDIT)
    assert reconcile() == []


def test_extending_never_shrinks_and_never_expires_sooner(
    bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60, lasts_s=60)
    assert extend(bakery, call_id, 30, lasts_s=30) == 60
    assert sweep(59) == 0
    assert sweep(60) == 1


def test_extending_covers_what_the_poorer_wallet_can_pay(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert extend(bakery, call_id, 900) == 300
    assert credits_of(bakery) == (0, 10 * CREDIT)
    assert credits_of(acme) == (95 * CREDIT, 5 * CREDIT)
    assert extend(bakery, call_id, 901) == 300


def test_a_keep_alive_without_money_still_moves_the_expiry(
    bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 300, lasts_s=10)
    assert extend(bakery, call_id, 300, lasts_s=100) == 300
    assert sweep(99) == 0


def test_settling_charges_the_seconds_and_gives_the_rest_back(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert settle(bakery, call_id, 7) == CallCost(233_334, 116_667)
    assert credits_of(bakery) == (9_766_666, 0)
    assert credits_of(acme) == (99_883_333, 0)
    assert (used_by(bakery), used_by(acme)) == (233_334, 116_667)
    with organization_scope(bakery):
        entry = LedgerEntry.objects.get(kind="settle")
        assert entry.details == {
            "seconds": 7,
            "microcredits_per_minute": 2 * CREDIT,
            "setup_microcredits": 0,
            "minimum_seconds": 0,
            "model_microcredits": 0,
            "shortfall_microcredits": 0,
        }
        amounts = {
            p.account.kind: p.amount_microcredits
            for p in Posting.objects.filter(entry=entry).select_related("account")
        }
    assert amounts == {"held": -2_000_000, "usage": 233_334, "wallet": 1_766_666}
    assert reconcile() == []


def test_settling_twice_charges_once(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    first = settle(bakery, call_id, 30)
    assert settle(bakery, call_id, 59) == first == CallCost(CREDIT, CREDIT // 2)
    assert settle(bakery, call_id, 0) == first
    assert not release(bakery, call_id)
    assert extend(bakery, call_id, 120) == 0
    assert credits_of(bakery) == (9 * CREDIT, 0)
    assert reconcile() == []


def test_the_cost_is_capped_at_what_is_held(
    bakery: Organization, call_id: uuid.UUID, caplog: pytest.LogCaptureFixture
) -> None:
    hold(bakery, call_id, 60)
    assert settle(bakery, call_id, 61) == CallCost(2 * CREDIT, CREDIT)
    assert credits_of(bakery) == (8 * CREDIT, 0)
    with organization_scope(bakery):
        kept = Hold.objects.get()
        entry = LedgerEntry.objects.get(kind="settle")
    assert kept.shortfall_microcredits == 33_334
    assert entry.details["shortfall_microcredits"] == 33_334
    assert "longer than its credits" in caplog.text


def test_zero_seconds_release(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert settle(bakery, call_id, 0) == CallCost(0, 0)
    assert credits_of(bakery) == (10 * CREDIT, 0)
    assert credits_of(acme) == (100 * CREDIT, 0)
    with organization_scope(bakery):
        assert Hold.objects.get().state == Hold.State.RELEASED
        assert LedgerEntry.objects.filter(kind="release").count() == 1


def test_releasing_says_whether_it_did(
    bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60)
    assert release(bakery, call_id)
    assert not release(bakery, call_id)
    assert settle(bakery, call_id, 50) == CallCost(0, 0)
    assert credits_of(bakery) == (10 * CREDIT, 0)
    assert not release(bakery, uuid4())


def test_an_expired_hold_goes_back_to_both_wallets(
    acme: Organization, bakery: Organization, garage: Organization
) -> None:
    hold(bakery, uuid4(), 60, lasts_s=10)
    hold(garage, uuid4(), 60, lasts_s=99)
    hold(acme, uuid4(), 60, lasts_s=10)
    assert sweep(9) == 0
    assert sweep(10) == 2
    assert sweep(10) == 0
    assert credits_of(bakery) == (10 * CREDIT, 0)
    assert credits_of(garage) == (8 * CREDIT, 2 * CREDIT)
    assert credits_of(acme) == (99 * CREDIT, CREDIT)
    assert reconcile() == []


def test_the_sweeper_goes_on_past_one_batch(
    bakery: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.holds.SWEEP_BATCH", 3)
    for _ in range(5):
        hold(bakery, uuid4(), 10)
    assert sweep(60) == 5
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_a_live_call_takes_its_expired_hold_again(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60, lasts_s=10)
    sweep(10)
    assert extend(bakery, call_id, 90, lasts_s=99) == 90
    assert credits_of(bakery) == (7 * CREDIT, 3 * CREDIT)
    sweep(99)
    assert extend(bakery, call_id, 90, lasts_s=199) == 90
    assert settle(bakery, call_id, 90) == CallCost(3 * CREDIT, 1_500_000)
    assert credits_of(acme) == (98_500_000, 0)
    assert reconcile() == []


def test_a_call_settled_after_its_hold_expired_is_charged_to_the_wallet(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60, lasts_s=10)
    sweep(10)
    assert settle(bakery, call_id, 60) == CallCost(2 * CREDIT, CREDIT)
    assert settle(bakery, call_id, 60) == CallCost(2 * CREDIT, CREDIT)
    assert credits_of(bakery) == (8 * CREDIT, 0)
    assert credits_of(acme) == (99 * CREDIT, 0)
    assert reconcile() == []


def test_what_the_wallet_cannot_pay_any_more_is_written_down(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id, 60, lasts_s=10)
    sweep(10)
    hold(bakery, uuid4(), 270, lasts_s=999)
    assert credits_of(bakery) == (CREDIT, 9 * CREDIT)
    assert settle(bakery, call_id, 60) == CallCost(CREDIT, CREDIT)
    assert credits_of(bakery) == (0, 9 * CREDIT)
    with agency_scope(acme.pk):
        short = dict(
            Hold.objects.filter(source_id=call_id).values_list(
                "organization_id", "shortfall_microcredits"
            )
        )
    assert short == {bakery.pk: CREDIT, acme.pk: 0}
    assert reconcile() == []


def test_a_call_that_never_held_cannot_be_settled(bakery: Organization) -> None:
    with pytest.raises(UnknownHold):
        settle(bakery, uuid4(), 10)
    with pytest.raises(UnknownHold):
        extend(bakery, uuid4(), 10)


def test_nonsense_is_not_settled(bakery: Organization, call_id: uuid.UUID) -> None:
    hold(bakery, call_id)
    with pytest.raises(ValueError, match="less than nothing"):
        settle(bakery, call_id, -1)
    with pytest.raises(ValueError, match="at least a second"):
        extend(bakery, call_id, 0)


def test_another_organizations_call_has_no_hold(
    acme: Organization,
    bakery: Organization,
    garage: Organization,
    globex: Organization,
    call_id: uuid.UUID,
) -> None:
    hold(bakery, call_id, 60)
    before = credits_of(bakery), credits_of(acme)
    for other in (garage, globex, acme):
        with pytest.raises(UnknownHold):
            settle(other, call_id, 30)
        with pytest.raises(UnknownHold):
            extend(other, call_id, 90)
        assert not release(other, call_id)
    with organization_scope(garage), pytest.raises(ForeignRow):
        hold_for_call(
            call_id=uuid4(),
            organization=bakery,
            seconds=60,
            price=CallPrice(Tariff(1), Tariff(1)),
            expires_at=START,
        )
    assert (credits_of(bakery), credits_of(acme)) == before


def test_the_agency_and_the_sweepers_may_settle_a_clients_call(
    acme: Organization, bakery: Organization
) -> None:
    first, second = uuid4(), uuid4()
    hold(bakery, first)
    hold(bakery, second)
    with agency_scope(acme.pk):
        assert settle_call(call_id=first, seconds=60) == CallCost(2 * CREDIT, CREDIT)
    with all_organizations("a sweeper settles calls of dead processes"):
        assert settle_call(call_id=second, seconds=60) == CallCost(2 * CREDIT, CREDIT)
    assert credits_of(bakery) == (6 * CREDIT, 0)


def test_a_client_sees_nothing_of_the_pool(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    hold(bakery, call_id)
    settle(bakery, call_id, 30)
    with organization_scope(bakery):
        with connection.cursor() as cursor:
            for table in ("posting", "account", "hold", "ledgerentry"):
                cursor.execute(f"select distinct organization_id from billing_{table}")
                assert cursor.fetchall() == [(bakery.pk,)], table
        assert Posting.objects.count() == 7
        details = [str(entry.details) for entry in LedgerEntry.objects.all()]
    assert not any("500000" in text or "pool" in text for text in details)


def test_a_rolled_back_caller_takes_its_hold_with_it(
    acme: Organization, bakery: Organization, call_id: uuid.UUID
) -> None:
    with transaction.atomic():
        hold(bakery, call_id)
        transaction.set_rollback(True)
    assert credits_of(bakery) == (10 * CREDIT, 0)
    assert credits_of(acme) == (100 * CREDIT, 0)
