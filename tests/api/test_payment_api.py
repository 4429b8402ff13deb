"""Buying over REST: Stripe's page for a package or the pool, codes, what was paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billing.models import Coupon, CreditPackage
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.billing.stripe_world import open_till, put_on_offer
from tests.fakes.stripe_server import StripeServer
from tests.world import House

EMAIL = "dora@bakery.example"


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        yield server


@pytest.fixture
def package(acme: House, stripe: StripeServer) -> CreditPackage:
    open_till(acme.organization)
    return put_on_offer(acme.organization)


def test_a_package_is_paid_on_stripes_page(
    package: CreditPackage, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    [offered] = bakery_api.get("/billing/packages").json()["packages"]
    body = {"package_id": offered["id"], "email": EMAIL}
    made = bakery_api.post("/billing/payments", body)
    assert made.status_code == 201, made.content
    payment = made.json()["payment"]
    assert (payment["status"], payment["net_cents"]) == ("open", 4000)
    assert payment["checkout_url"].startswith("http")
    again = bakery_api.post("/billing/payments", body).json()["payment"]
    assert again == payment
    listed = bakery_api.get("/billing/payments").json()
    assert listed["payments"] == [payment]
    assert listed["pagination"]["total"] == 1
    one = f"/billing/payments/{payment['id']}"
    assert bakery_api.get(one).json()["payment"] == payment
    assert garage_api.get(one).status_code == 404


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"email": EMAIL}, None),
        ({"package_id": "01977d5e-7c00-7000-8000-000000000001"}, "email"),
        (
            {"package_id": "01977d5e-7c00-7000-8000-000000000001", "email": EMAIL},
            "package_id",
        ),
        ({"credits": 1000, "email": EMAIL}, "credits"),
    ],
)
def test_a_bad_order_is_refused(
    package: CreditPackage, bakery_api: ApiClient, body: Any, param: str | None
) -> None:
    answer = bakery_api.post("/billing/payments", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.get("/billing/payments").json()["payments"] == []


def test_where_nothing_is_sold_that_is_said(acme: House, bakery_api: ApiClient) -> None:
    package = put_on_offer(acme.organization)
    answer = bakery_api.post(
        "/billing/payments", {"package_id": str(package.pk), "email": EMAIL}
    )
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "payments_not_ready"


def test_a_code_becomes_credits_once(acme: House, bakery_api: ApiClient) -> None:
    with organization_scope(acme.organization):
        Coupon.objects.create(
            organization=acme.organization, code="SPRING", microcredits=5_000_000
        )
    used = bakery_api.post("/billing/coupons", {"code": "SPRING"})
    assert used.json() == {"success": True, "credits": "5.00"}
    before = bakery_api.get("/billing/balance").json()["available_credits"]
    for code in ("SPRING", "WINTER"):
        answer = bakery_api.post("/billing/coupons", {"code": code})
        assert answer.json()["error"]["param"] == "code"
    assert bakery_api.get("/billing/balance").json()["available_credits"] == before
