"""Coupons, trials and free minutes come once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Coupon, CreditLot
from billing.offers import (
    CouponRefused,
    give_free_minutes,
    give_trials,
    redeem_coupon,
)
from billing.pricing import Terms, set_price
from billing.reconciliation import reconcile
from billing.selling import offer_trial
from portal.models import Organization
from portal.scope import organization_scope
from tests.billing.books import CREDIT, credits_of, make_client


def coupon(agency: Organization, **values: Any) -> None:
    with organization_scope(agency):
        Coupon.objects.create(
            organization=agency, code="SPRING", microcredits=5 * CREDIT, **values
        )


def redeem(client: Organization, code: str = "spring") -> None:
    with organization_scope(client):
        redeem_coupon(client=client, code=code, now=timezone.now(), actor=None)


def test_a_code_gives_each_client_credits_once(
    acme: Organization, bakery: Organization, garage: Organization
) -> None:
    coupon(acme, max_uses=2, expires_days=30)
    redeem(bakery)
    with pytest.raises(CouponRefused, match="before"):
        redeem(bakery)
    redeem(garage, " SPRING ")
    with pytest.raises(CouponRefused, match="used up"):
        redeem(make_client(acme, "Third"))
    assert credits_of(bakery) == (15 * CREDIT, 0)
    with organization_scope(bakery):
        lot = CreditLot.objects.get(kind="coupon")
    assert lot.expires_at is not None
    assert reconcile() == []


@pytest.mark.parametrize(
    "values",
    [{"is_active": False}, {"valid_until": timezone.now() - timedelta(days=1)}],
)
def test_a_code_that_is_over_gives_nothing(
    acme: Organization, bakery: Organization, values: dict[str, Any]
) -> None:
    coupon(acme, **values)
    with pytest.raises(CouponRefused):
        redeem(bakery)
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_another_agencys_code_is_not_known(
    globex: Organization, bakery: Organization
) -> None:
    coupon(globex)
    with pytest.raises(CouponRefused, match="not known"):
        redeem(bakery)


def test_clients_that_begin_after_the_offer_get_a_trial_once(
    acme: Organization, bakery: Organization
) -> None:
    with organization_scope(acme):
        offer_trial(
            agency=acme,
            microcredits=7 * CREDIT,
            expires_days=14,
            now=timezone.now(),
            actor=None,
        )
    newcomer = make_client(acme, "New")
    assert [give_trials(timezone.now()) for _ in range(2)] == [1, 0]
    assert credits_of(newcomer) == (7 * CREDIT, 0)
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_free_minutes_come_each_month_and_end_with_it(
    acme: Organization, bakery: Organization, garage: Organization
) -> None:
    now = timezone.now()
    with organization_scope(acme):
        set_price(
            agency=acme,
            client=bakery,
            microcredits_per_minute=0,
            terms=Terms(2 * CREDIT, free_minutes=30),
            effective_at=now - timedelta(days=1),
            actor=None,
        )
    assert [give_free_minutes(now) for _ in range(2)] == [1, 0]
    assert credits_of(bakery) == (70 * CREDIT, 0)
    assert credits_of(garage) == (10 * CREDIT, 0)
    assert give_free_minutes(now + timedelta(days=32)) == 1
