from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.models import Price
from billing.pricing import (
    Terms,
    price_for_call,
    set_platform_price,
    set_price,
)
from billing.tariff import CallPrice, Tariff
from portal.models import AuditRecord, ForeignRow, Organization
from portal.scope import organization_scope
from tests.billing.books import CREDIT, START


@pytest.fixture(autouse=True)
def pool_price(settings: Any) -> None:
    settings.PLATFORM_PRICE_MICROCREDITS_PER_MINUTE = 700_000


def price(
    agency: Organization, client: Organization | None, amount: int, days: int = 0
) -> Price:
    with organization_scope(agency):
        return set_price(
            agency=agency,
            client=client,
            microcredits_per_minute=amount,
            effective_at=START + timedelta(days=days),
            actor=None,
        )


def client_price(client: Organization, days: int = 0) -> int:
    with organization_scope(client):
        found = price_for_call(client, START + timedelta(days=days))
    return found.client_microcredits_per_minute


def test_with_no_price_set_a_minute_costs_a_credit(bakery: Organization) -> None:
    with organization_scope(bakery):
        assert price_for_call(bakery, START) == CallPrice(
            Tariff(CREDIT), Tariff(700_000)
        )


def test_an_agencys_own_call_costs_the_pool_price(acme: Organization) -> None:
    price(acme, None, 9 * CREDIT)
    with organization_scope(acme):
        assert price_for_call(acme, START) == CallPrice(
            Tariff(700_000), Tariff(700_000)
        )


def test_a_clients_own_price_goes_before_the_general_one(
    acme: Organization, bakery: Organization, garage: Organization
) -> None:
    price(acme, bakery, 3 * CREDIT)
    price(acme, None, 2 * CREDIT, days=1)
    assert client_price(bakery, days=2) == 3 * CREDIT
    assert client_price(garage, days=2) == 2 * CREDIT


def test_the_latest_price_that_took_effect_counts(
    acme: Organization, bakery: Organization
) -> None:
    price(acme, None, 2 * CREDIT)
    price(acme, None, 4 * CREDIT, days=2)
    price(acme, None, 3 * CREDIT, days=1)
    found = [client_price(bakery, days) for days in (-1, 0, 1, 2, 9)]
    assert found == [CREDIT, 2 * CREDIT, 3 * CREDIT, 4 * CREDIT, 4 * CREDIT]


def test_another_agencys_price_does_not_count(
    globex: Organization, bakery: Organization
) -> None:
    price(globex, None, 5 * CREDIT)
    assert client_price(bakery) == CREDIT


def test_setting_a_price_is_written_down(
    acme: Organization, bakery: Organization
) -> None:
    price(acme, bakery, 3 * CREDIT)
    with organization_scope(acme):
        record = AuditRecord.objects.get(action="price.set")
    assert record.changes["microcredits_per_minute"] == 3 * CREDIT
    assert record.changes["client"] == str(bakery.pk)


def test_nobody_prices_what_is_not_theirs(
    acme: Organization, bakery: Organization, globex: Organization
) -> None:
    with pytest.raises(ForeignRow):
        price(globex, bakery, CREDIT)
    with pytest.raises(ValidationError):
        price(bakery, None, CREDIT)
    with pytest.raises(ValidationError):
        price(acme, None, -1)
    with organization_scope(bakery), pytest.raises(ForeignRow):
        set_price(
            agency=acme,
            client=bakery,
            microcredits_per_minute=0,
            effective_at=START,
            actor=None,
        )
    assert client_price(bakery) == CREDIT


def in_force(client: Organization, days: int = 0, **wanted: str) -> Tariff:
    with organization_scope(client):
        return price_for_call(client, START + timedelta(days=days), **wanted).client


def test_the_most_exact_price_counts_even_when_it_is_older(
    acme: Organization, bakery: Organization
) -> None:
    exact = Terms(5 * CREDIT, direction="inbound", mode="own_key")
    direction, mode = Terms(4, direction="inbound"), Terms(3, mode="own_key")
    for days, terms in enumerate([exact, direction, mode, Terms(2)]):
        with organization_scope(acme):
            set_price(
                agency=acme,
                client=None,
                microcredits_per_minute=0,
                terms=terms,
                effective_at=START + timedelta(days=days),
                actor=None,
            )
    found = [
        in_force(bakery, 9, direction=direction, mode=mode).microcredits_per_minute
        for direction in ("inbound", "web")
        for mode in ("own_key", "platform_key")
    ]
    assert found == [5 * CREDIT, 4, 3, 2]


def test_a_withdrawn_price_makes_room_for_the_general_one(
    acme: Organization, bakery: Organization
) -> None:
    price(acme, None, 2 * CREDIT)
    price(acme, bakery, 3 * CREDIT)
    with organization_scope(acme):
        set_price(
            agency=acme,
            client=bakery,
            microcredits_per_minute=0,
            terms=Terms(0, is_withdrawn=True),
            effective_at=START + timedelta(days=1),
            actor=None,
        )
    assert [client_price(bakery, days) for days in (0, 1)] == [3 * CREDIT, 2 * CREDIT]


def test_a_speech_model_on_the_platforms_keys_is_all_in(
    bakery: Organization, settings: Any
) -> None:
    settings.PLATFORM_REALTIME_PRICE_MICROCREDITS_PER_MINUTE = 3_571_429
    with organization_scope(bakery):
        found = price_for_call(bakery, START, "web", "realtime")
    all_in = Tariff(3_571_429, model_cost_percent=0)
    assert found == CallPrice(all_in, all_in)


def test_on_the_agencys_keys_the_pool_pays_as_for_own_keys(
    acme: Organization, bakery: Organization
) -> None:
    set_platform_price(
        agency=acme, terms=Terms(5, mode="own_key"), effective_at=START, actor=None
    )
    set_platform_price(agency=None, terms=Terms(7), effective_at=START, actor=None)
    with organization_scope(bakery):
        found = price_for_call(bakery, START, "web", "platform_key", "own_key")
    assert found.pool.microcredits_per_minute == 5
    with organization_scope(bakery):
        found = price_for_call(bakery, START, "web", "platform_key")
    assert found.pool.microcredits_per_minute == 7


def test_every_part_of_a_price_reaches_the_call(
    acme: Organization, bakery: Organization
) -> None:
    terms = Terms(9, setup_microcredits=8, minimum_seconds=7, model_cost_percent=150)
    with organization_scope(acme):
        row = set_price(
            agency=acme,
            client=None,
            microcredits_per_minute=9,
            terms=terms,
            effective_at=START,
            actor=None,
        )
    assert in_force(bakery) == Tariff(9, 8, 7, 150, price_id=str(row.pk))
