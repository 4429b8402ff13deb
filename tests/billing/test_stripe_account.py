"""An agency's own Stripe account: its key, or a connected account."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from billing.errors import PaymentRefused, PaymentsNotReady
from billing.models import Payment, StripeAccount
from billing.payments import account_setup, checkout
from billing.payments.events import receive_event
from billing.payments.syncing import sync_payment
from portal.models import Organization
from portal.scope import agency_scope, organization_scope
from tests.billing.books import CREDIT, credits_of
from tests.billing.stripe_world import Till, put_on_offer
from tests.fakes.stripe_server import StripeServer


def save(agency: Organization, key: str, secret: str = "") -> StripeAccount:
    with organization_scope(agency):
        return account_setup.save_own_key(
            agency=agency, secret_key=key, webhook_secret=secret, actor=None
        )


def test_a_key_stripe_takes_is_sealed_and_makes_its_own_webhook(
    acme: Organization, stripe_server: StripeServer
) -> None:
    account = save(acme, "rk_test_abcdef")
    assert account.is_ready
    assert (account.key_hint, account.account_name) == ("cdef", "Acme BV")
    made = [t for t in stripe_server.objects.values() if t["id"].startswith("we_")]
    assert made[0]["url"].endswith("/webhooks/stripe/")
    assert made[0]["api_version"] == "2026-10-28.endive"
    with organization_scope(acme), connection.cursor() as cursor:
        cursor.execute("select secret_key, webhook_secret from billing_stripeaccount")
        kept = cursor.fetchone()
    assert "rk_test" not in str(kept)
    assert "whsec" not in str(kept)
    with organization_scope(acme):
        assert StripeAccount.objects.get().secret_key == "rk_test_abcdef"


def test_a_key_stripe_refuses_changes_nothing(
    acme: Organization, stripe_server: StripeServer
) -> None:
    save(acme, "rk_test_first")
    stripe_server.refused_keys.add("rk_test_second")
    for key in ("rk_test_second", "pk_test_public", "nonsense"):
        with pytest.raises(PaymentRefused):
            save(acme, key)
    with organization_scope(acme):
        assert StripeAccount.objects.get().secret_key == "rk_test_first"


def test_disconnecting_forgets_the_key_and_stops_sales(
    till: Till, acme: Organization
) -> None:
    with organization_scope(acme):
        account_setup.disconnect(agency=acme, actor=None)
        assert StripeAccount.objects.get().secret_key == ""
    with organization_scope(till.client), pytest.raises(PaymentsNotReady):
        checkout.open_payment(payer=till.client, order=till.order(), actor=None)


def test_a_connected_account_takes_the_money_by_the_platforms_key(
    acme: Organization, bakery: Organization, stripe_server: StripeServer, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_platform"
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = "whsec_connect"
    with organization_scope(acme):
        address = account_setup.begin_connecting(agency=acme, back="https://back")
        assert address.startswith("https://connect.stripe.example/acct_")
        account = account_setup.check_connected(agency=acme)
        assert account is not None
        assert not account.is_ready
        stripe_server.objects[account.account_id]["charges_enabled"] = True
        account = account_setup.check_connected(agency=acme)
    assert account is not None
    assert account.is_ready
    till = Till(stripe_server, bakery, put_on_offer(acme))
    payment = till.begin()
    assert stripe_server.requests[-1].account == account.account_id
    assert stripe_server.requests[-1].key == "sk_test_platform"
    stripe_server.pay(payment.checkout_session_id)
    body, signature = stripe_server.deliver(stripe_server.events[-1], "whsec_connect")
    event = receive_event(portal=None, body=body, signature=signature)
    assert event is not None
    assert event.agency_id == acme.pk
    till.work()
    assert credits_of(bakery) == (120 * CREDIT, 0)


def test_a_client_never_sees_its_agencys_account(till: Till) -> None:
    payment = till.begin()
    with organization_scope(till.client):
        assert not StripeAccount.objects.exists()
        assert Payment.objects.get(pk=payment.pk).merchant_id is not None
        till.stripe.pay(payment.checkout_session_id)
        assert sync_payment(payment.pk).status == "paid"
    with agency_scope(till.client.agency_id):
        assert StripeAccount.objects.count() == 1
