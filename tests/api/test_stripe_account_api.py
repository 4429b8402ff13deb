"""How clients pay, set up by key: sealed, never given back, finished by a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billing.models import StripeAccount
from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.billing.stripe_world import open_till
from tests.fakes.stripe_server import StripeServer
from tests.world import House

KEY = "rk_test_abcdef"


@pytest.fixture
def stripe(settings: Any) -> Iterator[StripeServer]:
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        yield server


def kept(house: House) -> StripeAccount | None:
    with organization_scope(house.organization):
        return StripeAccount.objects.filter(retired_at=None).first()


def test_a_key_is_kept_sealed_and_never_given_back(
    acme: House, acme_owner: ApiClient, stripe: StripeServer
) -> None:
    before = acme_owner.get("/selling/stripe").json()["stripe"]
    assert (before["is_ready"], before["key_hint"]) == (False, None)
    saved = acme_owner.put("/selling/stripe/key", {"secret_key": KEY})
    assert saved.status_code == 200, saved.content
    account = saved.json()["stripe"]
    assert (account["is_ready"], account["key_hint"]) == (True, "cdef")
    assert account["account_name"] == "Acme BV"
    assert account["webhook_url"].endswith("/webhooks/stripe/")
    assert acme_owner.get("/selling/stripe").json()["stripe"] == account
    assert KEY not in saved.content.decode()
    assert "whsec" not in saved.content.decode()
    row = kept(acme)
    assert row is not None
    assert row.secret_key == KEY
    [record] = acme_owner.get("/audit-records?action=stripe.").json()["audit_records"]
    assert record["api_key"].startswith("Team key fl_live_")
    assert KEY not in str(record)


def test_what_stripe_refuses_changes_nothing(
    acme: House, acme_owner: ApiClient, stripe: StripeServer
) -> None:
    stripe.refused_keys.add("rk_test_other")
    for key in ("rk_test_other", "pk_test_public"):
        answer = acme_owner.put("/selling/stripe/key", {"secret_key": key})
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, "secret_key")
        assert key not in answer.content.decode()
    stripe.fail("/v1/checkout/sessions", 500, times=9)
    answer = acme_owner.put("/selling/stripe/key", {"secret_key": KEY})
    assert answer.json()["error"]["code"] == "provider_unreachable"
    assert kept(acme) is None


def test_tax_and_the_sellers_name_change_field_by_field(
    acme: House, acme_owner: ApiClient, stripe: StripeServer
) -> None:
    open_till(acme.organization)
    change = {"tax": "fixed", "tax_percent": "21.5", "seller_name": "Acme BV"}
    changed = acme_owner.patch("/selling/stripe", change).json()["stripe"]
    assert (changed["tax"], changed["tax_percent"]) == ("fixed", "21.50")
    changed = acme_owner.patch("/selling/stripe", {"currency": "chf"}).json()["stripe"]
    assert (changed["currency"], changed["tax_percent"]) == ("chf", "21.50")
    assert changed["seller_name"] == "Acme BV"
    changed = acme_owner.patch("/selling/stripe", {"tax": "none"}).json()["stripe"]
    assert changed["tax_percent"] == "0.00"
    for body, param in (
        ({"tax": "fixed"}, "tax_percent"),
        ({"tax": "fixed", "tax_percent": "101"}, "tax_percent"),
        ({"tax_percent": "a lot"}, "tax_percent"),
        ({"currency": "xau"}, "currency"),
        ({"secret_key": KEY}, "secret_key"),
    ):
        answer = acme_owner.patch("/selling/stripe", body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    row = kept(acme)
    assert row is not None
    assert (row.tax, row.currency, row.secret_key) == ("none", "chf", "rk_test_acme")


def test_connecting_ends_on_stripes_pages(
    acme: House, acme_owner: ApiClient, stripe: StripeServer, settings: Any
) -> None:
    refused = acme_owner.post("/selling/stripe/connect")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    settings.STRIPE_SECRET_KEY = "sk_test_platform"
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = "whsec_connect"
    begun = acme_owner.post("/selling/stripe/connect").json()
    assert begun["url"].startswith("https://connect.stripe.example/acct_")
    [asked] = stripe.asked("/v1/account_links")
    assert asked.params["return_url"].endswith("/selling/stripe/")
    account = acme_owner.get("/selling/stripe").json()["stripe"]
    assert (account["is_connected"], account["is_ready"]) == (True, False)
    assert account["problem"] == "Finish connecting at Stripe."
    stripe.objects[account["account_id"]]["charges_enabled"] = True
    assert acme_owner.get("/selling/stripe").json()["stripe"]["is_ready"] is True


def test_disconnecting_forgets_the_key(
    acme: House, acme_owner: ApiClient, stripe: StripeServer
) -> None:
    open_till(acme.organization)
    gone = acme_owner.delete("/selling/stripe").json()["stripe"]
    assert (gone["is_ready"], gone["key_hint"]) == (False, None)
    row = kept(acme)
    assert row is not None
    assert row.secret_key == ""


def test_neither_a_client_nor_a_test_key_says_where_money_goes(
    acme: House, bakery_api: ApiClient, stripe: StripeServer
) -> None:
    with organization_scope(acme.organization):
        _row, text = issue_key(
            organization=acme.organization,
            name="Try",
            actor=None,
            mode="test",
            role=Role.OWNER,
        )
    trying = ApiClient(acme, text)
    for client, code in ((bakery_api, "forbidden"), (trying, "test_key")):
        for answer in (
            client.put("/selling/stripe/key", {"secret_key": KEY}),
            client.post("/selling/stripe/connect"),
            client.delete("/selling/stripe"),
        ):
            assert answer.json()["error"]["code"] == code
    assert kept(acme) is None
