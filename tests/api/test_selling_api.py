"""What an agency sells, and what happens to credits by themselves, over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Payment
from billing.payments.syncing import sync_payment
from billing.pricing import price_for_call
from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.billing.books import CREDIT, credits_of
from tests.billing.stripe_world import open_till
from tests.fakes.stripe_server import StripeServer
from tests.world import CREDITS, House

EMAIL = "dora@bakery.example"


@pytest.fixture
def seller(acme: House) -> ApiClient:
    """A key of the agency's owner."""
    with organization_scope(acme.organization):
        _row, text = issue_key(
            organization=acme.organization, name="Owner", actor=None, role=Role.OWNER
        )
    return ApiClient(acme, text)


@pytest.fixture
def stripe(acme: House, settings: Any) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        open_till(acme.organization)
        yield server


def client_price(house: House) -> int:
    with organization_scope(house.organization):
        found = price_for_call(house.organization, timezone.now())
    return found.client_microcredits_per_minute


def test_prices_are_set_listed_and_withdrawn(bakery: House, seller: ApiClient) -> None:
    assert (
        seller.post("/selling/prices", {"credits_per_minute": "2"}).status_code == 201
    )
    own = {"client_id": str(bakery.organization.pk), "credits_per_minute": "1.5"}
    made = seller.post("/selling/prices", own | {"minimum_seconds": 30})
    assert made.status_code == 201, made.content
    assert client_price(bakery) == 1_500_000
    gone = seller.post("/selling/prices", own | {"is_withdrawn": True})
    assert gone.status_code == 201
    assert client_price(bakery) == 2 * CREDIT
    listed = seller.get("/selling/prices?limit=2").json()
    assert listed["pagination"]["total"] == 3
    assert listed["prices"][1] == made.json()["price"]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"credits_per_minute": "-1"}, "credits_per_minute"),
        ({"credits_per_minute": "1e3"}, "credits_per_minute"),
        ({"credits_per_minute": "1", "direction": "up"}, "direction"),
        ({"credits_per_minute": "1", "client_id": "{garage}"}, "client_id"),
        ({"credits_per_minute": "1", "effective_at": "2026-01-01"}, "effective_at"),
        ({"credits_per_minute": "1", "mode": "realtime", "free_minutes": 1}, None),
    ],
)
def test_a_wrong_price_is_named(
    garage: House, seller: ApiClient, wrong: dict[str, Any], param: str | None
) -> None:
    body = {
        name: str(garage.organization.pk) if value == "{garage}" else value
        for name, value in wrong.items()
    }
    answer = seller.post("/selling/prices", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert seller.get("/selling/prices").json()["prices"] == []


def test_packages_codes_and_trials_are_offered_and_taken_off(
    bakery_api: ApiClient, seller: ApiClient, stripe: StripeServer
) -> None:
    package = {"name": "Hundred", "credits": "100", "price_cents": 4000}
    made = seller.post("/selling/packages", package).json()["package"]
    assert (made["credits"], made["is_offered"]) == ("100.00", True)
    path = f"/selling/packages/{made['id']}"
    [offered] = bakery_api.get("/billing/packages").json()["packages"]
    assert offered["id"] == made["id"]
    assert not seller.patch(path, {"is_offered": False}).json()["package"]["is_offered"]
    assert bakery_api.get("/billing/packages").json()["packages"] == []
    code = {"code": "MAY", "credits": "5", "max_uses": 1}
    coupon = seller.post("/selling/coupons", code).json()["coupon"]
    assert seller.post("/selling/coupons", code).status_code == 409
    switch = f"/selling/coupons/{coupon['id']}"
    assert seller.patch(switch, {"is_active": False}).status_code == 200
    assert bakery_api.post("/billing/coupons", {"code": "may"}).status_code == 400
    assert seller.patch(switch, {"is_active": True}).status_code == 200
    assert bakery_api.post("/billing/coupons", {"code": "may"}).status_code == 200
    assert seller.get("/selling/coupons").json()["coupons"][0]["uses"] == 1
    trial = {"credits": "25.00", "expires_days": 14}
    assert seller.send("PUT", "/selling/trial", trial).json()["trial"] == trial
    none = {"credits": "0.00", "expires_days": None}
    assert seller.send("PUT", "/selling/trial", none).json()["trial"] == none


def test_a_plan_is_taken_paid_and_left(
    bakery: House, bakery_api: ApiClient, seller: ApiClient, stripe: StripeServer
) -> None:
    assert bakery_api.get("/billing/subscription").json() == {"subscription": None}
    assert bakery_api.delete("/billing/subscription").status_code == 404
    terms = {
        "name": "Small",
        "price_cents": 4900,
        "included_minutes": 100,
        "credits_per_minute": "0.50",
    }
    over = terms | {"overage_limit_credits": "10"}
    answer = seller.post("/selling/plans", over)
    assert answer.json()["error"]["param"] == "overage_cents_per_credit"
    plan = seller.post("/selling/plans", terms).json()["plan"]
    [offered] = bakery_api.get("/billing/plans").json()["plans"]
    assert (offered["id"], offered["tax_cents"]) == (plan["id"], 0)
    wanted = {"plan_id": plan["id"], "email": EMAIL}
    begun = bakery_api.post("/billing/subscription", wanted)
    assert begun.status_code == 201, begun.content
    payment = begun.json()["payment"]
    assert payment["checkout_url"].startswith("http")
    again = bakery_api.post("/billing/subscription", wanted).json()["payment"]
    assert again == payment
    with organization_scope(bakery.organization):
        stripe.pay(Payment.objects.get(pk=payment["id"]).checkout_session_id)
        sync_payment(payment["id"])
    found = bakery_api.get("/billing/subscription").json()["subscription"]
    assert found["status"] == "active"
    assert client_price(bakery) == 500_000
    assert credits_of(bakery.organization) == ((CREDITS + 50) * CREDIT, 0)
    receipt = bakery_api.get(f"/billing/payments/{payment['id']}/receipt.pdf")
    assert receipt.content.startswith(b"%PDF-")
    left = bakery_api.delete("/billing/subscription").json()["subscription"]
    assert (left["status"], left["ends_with_month"]) == ("active", True)
    off = seller.patch(f"/selling/plans/{plan['id']}", {"is_offered": False})
    assert off.json()["plan"]["is_offered"] is False


def test_automatic_top_up_is_set_and_read(
    bakery_api: ApiClient, seller: ApiClient, stripe: StripeServer
) -> None:
    package = {"name": "Hundred", "credits": "100", "price_cents": 4000}
    made = seller.post("/selling/packages", package).json()["package"]
    before = bakery_api.get("/billing/auto-recharge").json()["auto_recharge"]
    assert before["is_enabled"] is False
    wanted = {
        "threshold_credits": "20.00",
        "package_id": made["id"],
        "monthly_cap_cents": 20000,
    }
    kept = bakery_api.send("PUT", "/billing/auto-recharge", wanted).json()
    assert kept == bakery_api.get("/billing/auto-recharge").json()
    assert kept["auto_recharge"] == {
        "is_enabled": True,
        "credits": None,
        "paused_reason": None,
        "not_before": None,
        **wanted,
    }
    for wrong, param in (
        (wanted | {"package_id": "01977d5e-7c00-7000-8000-000000000001"}, "package_id"),
        ({"threshold_credits": "5", "credits": 1000}, "credits"),
        (wanted | {"credits": 1000}, None),
        (wanted | {"monthly_cap_cents": 1}, "monthly_cap_cents"),
    ):
        answer = bakery_api.send("PUT", "/billing/auto-recharge", wrong)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.get("/billing/auto-recharge").json() == kept


def test_alerts_change_what_is_given(bakery_api: ApiClient) -> None:
    before = bakery_api.get("/billing/alerts").json()["alerts"]
    change = {"level_credits": "75.00", "mail_to": [EMAIL, "books@bakery.example"]}
    after = bakery_api.patch("/billing/alerts", change).json()["alerts"]
    assert after == before | change
    wrong = bakery_api.patch("/billing/alerts", {"mail_to": ["nobody"]})
    assert wrong.json()["error"]["param"] == "mail_to[0]"
    assert bakery_api.get("/billing/alerts").json()["alerts"] == after


def test_a_statement_comes_as_a_file(bakery_api: ApiClient) -> None:
    paper = bakery_api.get("/billing/statement.pdf")
    assert paper.headers["Content-Type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    lines = bakery_api.get("/billing/statement.csv").content.decode().splitlines()
    assert lines[0].startswith("time,what,call,seconds")
    assert [line.split(",")[5] for line in lines[1:]] == [f"{CREDITS}.00"]
    old = bakery_api.get("/billing/statement.csv?month=2020-01").content.decode()
    assert len(old.splitlines()) == 1
    for path in ("/billing/statement.csv", "/billing/statement.pdf"):
        answer = bakery_api.get(f"{path}?month=2020-13")
        assert answer.json()["error"]["param"] == "month"


def test_a_client_and_an_admin_sell_nothing(
    bakery_api: ApiClient, acme_api: ApiClient
) -> None:
    for api in (bakery_api, acme_api):
        for path in ("prices", "packages", "plans", "coupons", "trial"):
            assert api.get(f"/selling/{path}").status_code == 403
