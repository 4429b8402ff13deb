"""What seconds cost, and that the database does the same sums."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from billing.errors import NotEnoughCredits
from billing.holds import ModelUse, hold_for_call, settle_call
from billing.ledger import wallet_balance
from billing.models import Account, Hold
from billing.reconciliation import reconcile
from billing.tariff import CallPrice, Tariff
from portal.models import Organization
from portal.scope import organization_scope
from tests.billing.books import CREDIT, START, make_agency, make_client

TARIFFS = st.builds(
    Tariff,
    st.sampled_from([0, 1, 59, 61, 1_000_000, 1_234_567]),
    setup_microcredits=st.sampled_from([0, 1, 250_000]),
    minimum_seconds=st.sampled_from([0, 1, 30]),
    model_cost_percent=st.sampled_from([0, 33, 100, 150]),
    model_microcredits_per_minute=st.sampled_from([0, 7, 400_000]),
)
PLAIN = Tariff(600_000)
FULL = Tariff(
    600_000,
    setup_microcredits=100_000,
    minimum_seconds=30,
    model_microcredits_per_minute=60_000,
)


def test_a_call_costs_its_seconds_after_a_minimum_and_the_set_up_fee() -> None:
    assert [PLAIN.time_cost(s) for s in (0, 1, 60)] == [0, 10_000, 600_000]
    assert [FULL.time_cost(s) for s in (0, 1, 30, 31)] == [
        0,
        400_000,
        400_000,
        410_000,
    ]
    assert FULL.held_for(60) == 760_000


def test_models_cost_a_payer_its_percentage_rounded_up() -> None:
    assert [Tariff(1, model_cost_percent=p).model_cost(10) for p in (0, 33, 150)] == [
        0,
        4,
        15,
    ]
    assert Tariff(1, model_cost_percent=150).with_models(
        10
    ).model_microcredits_per_minute == (15)


@pytest.mark.parametrize("part", range(5))
def test_no_part_of_a_price_is_below_zero(part: int) -> None:
    with pytest.raises(ValueError, match="below zero"):
        Tariff(*(-1 if n == part else 0 for n in range(5)))  # type: ignore[arg-type]  # five numbers, no id
    with pytest.raises(ValueError, match="less than nothing"):
        PLAIN.time_cost(-1)


@given(tariff=TARIFFS, funds=st.integers(0, 3_000_000), wanted=st.integers(1, 200))
def test_a_sum_pays_for_exactly_the_seconds_it_says(
    tariff: Tariff, funds: int, wanted: int
) -> None:
    seconds = tariff.seconds_for(funds, wanted)
    assert 0 <= seconds <= wanted
    if seconds:
        assert tariff.held_for(seconds) <= funds
    if seconds < wanted:
        assert tariff.held_for(seconds + 1) > funds


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    client=TARIFFS,
    pool=TARIFFS,
    wanted=st.integers(1, 200),
    spoken=st.integers(0, 200),
    models=st.tuples(st.integers(0, 500_000), st.integers(0, 500_000)),
)
def test_the_database_does_the_same_sums(
    db: None,
    client: Tariff,
    pool: Tariff,
    wanted: int,
    spoken: int,
    models: tuple[int, int],
) -> None:
    agency = make_agency(credits=3)
    payer = make_client(agency, credits=2)
    expected = min(
        client.seconds_for(2 * CREDIT, wanted), pool.seconds_for(3 * CREDIT, wanted)
    )
    call_id = uuid4()
    with organization_scope(payer):
        try:
            held = hold_for_call(
                call_id=call_id,
                organization=payer,
                seconds=wanted,
                price=CallPrice(client, pool),
                expires_at=START,
            )
        except NotEnoughCredits:
            assert expected < min(wanted, 10)
            return
        assert held.seconds == expected
        assert wallet_balance(payer).held == client.held_for(expected)
        cost = settle_call(
            call_id=call_id, seconds=spoken, models=ModelUse(models[0], models[1])
        )
    for tariff, credits, used, total, model_part in (
        (client, 2, models[0], cost.cost_microcredits, cost.model_microcredits),
        (pool, 3, models[1], cost.pool_cost_microcredits, cost.pool_model_microcredits),
    ):
        time = min(tariff.time_cost(spoken), tariff.held_for(expected))
        due = tariff.model_cost(used) if spoken else 0
        assert model_part == min(due, credits * CREDIT - time)
        assert total == time + model_part
    assert reconcile() == []


def test_models_are_a_line_of_their_own_and_may_reach_into_the_wallet(
    acme: Organization, bakery: Organization
) -> None:
    call_id = uuid4()
    with organization_scope(bakery):
        hold_for_call(
            call_id=call_id,
            organization=bakery,
            seconds=60,
            price=CallPrice(Tariff(CREDIT), Tariff(CREDIT, model_cost_percent=50)),
            expires_at=START,
        )
        cost = settle_call(
            call_id=call_id,
            seconds=60,
            models=ModelUse(3 * CREDIT, 2 * CREDIT, {"models": ["as used"]}),
        )
        again = settle_call(call_id=call_id, seconds=5)
        balances = dict(Account.objects.values_list("kind", "balance_microcredits"))
        hold = Hold.objects.get()
    assert again == cost
    assert cost.cost_microcredits == 4 * CREDIT
    assert cost.model_microcredits == 3 * CREDIT
    assert cost.pool_cost_microcredits == 2 * CREDIT
    assert cost.pool_model_microcredits == CREDIT
    assert balances["models"] == 3 * CREDIT
    assert balances["usage"] == CREDIT
    assert balances["wallet"] == 6 * CREDIT
    assert hold.settled_model_microcredits == 3 * CREDIT
    assert reconcile() == []
