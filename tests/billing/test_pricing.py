from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing.models import Price
from billing.pricing import CallPrice, price_for_call, set_price
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
        assert price_for_call(bakery, START) == CallPrice(CREDIT, 700_000)


def test_an_agencys_own_call_costs_the_pool_price(acme: Organization) -> None:
    price(acme, None, 9 * CREDIT)
    with organization_scope(acme):
        assert price_for_call(acme, START) == CallPrice(700_000, 700_000)


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
