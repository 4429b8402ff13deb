"""An agency's own Stripe account: its key, or a connected account."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from billing.errors import NotEnoughCredits, PaymentRefused, PaymentsNotReady
from billing.holds import settle_call
from billing.models import Payment, StripeAccount
from billing.payments import account_setup, cards, checkout
from billing.payments.events import receive_event
from billing.payments.syncing import sync_payment
from billing.reconciliation import reconcile
from portal.models import Organization
from portal.scope import agency_scope, organization_scope
from tests.billing.books import CREDIT, credits_of, hold
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


@pytest.fixture
def connected(
    acme: Organization, bakery: Organization, stripe_server: StripeServer, settings: Any
) -> Till:
    """A till whose agency connected an account of its own to the platform's."""
    settings.STRIPE_SECRET_KEY = "sk_test_platform"
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = "whsec_connect"
    with organization_scope(acme):
        account_setup.begin_connecting(agency=acme, back="https://back")
        kept = StripeAccount.objects.get()
        stripe_server.objects[kept.account_id]["charges_enabled"] = True
        account_setup.check_connected(agency=acme)
    return Till(stripe_server, bakery, put_on_offer(acme))


def tell_platform(till: Till) -> None:
    """Deliver all that happened to the operator's host, twice and backwards."""
    operator = Client(SERVER_NAME="localhost")
    for event in [*till.stripe.events, *reversed(till.stripe.events)]:
        body, signature = till.stripe.deliver(event, "whsec_connect")
        answer = operator.post(
            "/webhooks/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": signature},
        )
        assert answer.status_code == 200
        till.work()


def test_money_that_goes_back_on_a_connected_account_takes_its_credits(
    connected: Till, acme: Organization
) -> None:
    before, _held = credits_of(connected.client)
    payment = connected.begin()
    connected.stripe.pay(payment.checkout_session_id)
    tell_platform(connected)
    paid = connected.read(payment)
    assert credits_of(connected.client) == (before + 110 * CREDIT, 0)
    call_id = paid.pk
    hold(connected.client, call_id, 60, client_price=100 * CREDIT)
    with organization_scope(connected.client):
        settle_call(call_id=call_id, seconds=60)
    connected.stripe.refund(paid.payment_intent_id, 1000)
    dispute = connected.stripe.dispute(paid.payment_intent_id, 3000)
    tell_platform(connected)
    assert credits_of(connected.client) == (before - 100 * CREDIT, 0)
    with pytest.raises(NotEnoughCredits):
        hold(connected.client, acme.pk, 60)
    connected.stripe.win(dispute)
    tell_platform(connected)
    assert credits_of(connected.client) == (before - 17_500_000, 0)
    with organization_scope(acme):
        account_id = StripeAccount.objects.get().account_id
    asked = [seen for seen in connected.stripe.requests if "account" not in seen.path]
    assert {(seen.key, seen.account) for seen in asked} == {
        ("sk_test_platform", account_id)
    }
    assert reconcile() == []


def test_an_account_disconnected_at_stripe_sells_nothing_more(
    connected: Till, acme: Organization
) -> None:
    with organization_scope(acme):
        account_id = StripeAccount.objects.get().account_id
    event = {
        "id": "evt_gone",
        "type": "account.application.deauthorized",
        "account": account_id,
        "data": {"object": {"id": "ca_1", "object": "application"}},
    }
    connected.stripe.events.append(event)
    tell_platform(connected)
    with organization_scope(acme):
        assert not StripeAccount.objects.get().is_ready
    with organization_scope(connected.client), pytest.raises(PaymentsNotReady):
        checkout.open_payment(
            payer=connected.client, order=connected.order(), actor=None
        )


def test_the_card_is_changed_on_the_sellers_page_at_stripe(
    connected: Till, acme: Organization
) -> None:
    with organization_scope(connected.client):
        for _ in range(2):
            assert cards.portal_address(connected.client).startswith("https://")
    asked = [
        seen for seen in connected.stripe.requests if "billing_portal" in seen.path
    ]
    customers = {seen.params["customer"] for seen in asked}
    assert len(customers) == 1
    assert {seen.account[:5] for seen in asked} == {"acct_"}
    with organization_scope(acme):
        cards.portal_address(acme)
    own = connected.stripe.requests[-1]
    assert (own.key, own.account) == ("sk_test_platform", "")
    assert own.params["customer"] not in customers


def buy(till: Till) -> Payment:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    till.work()
    with organization_scope(till.client):
        assert sync_payment(payment.pk).status == "paid"
    return till.read(payment)


def test_a_new_key_of_the_same_account_takes_the_place_of_the_old(
    till: Till, acme: Organization
) -> None:
    payment = buy(till)
    till.stripe.rolled["rk_test_rolled"] = "rk_test_acme"
    with organization_scope(acme):
        before = StripeAccount.objects.get()
    assert save(acme, "rk_test_rolled", "whsec_rolled").pk == before.pk
    till.stripe.refund(payment.payment_intent_id, 4000)
    assert till.post(till.stripe.events[-1], "whsec_rolled") == 200
    till.work()
    assert till.read(payment).refunded_cents == 4000


def test_another_account_leaves_what_was_paid_with_the_one_before(
    till: Till, acme: Organization
) -> None:
    before, _held = credits_of(till.client)
    paid, open_ = buy(till), till.begin()
    first = save(acme, "rk_test_other1", "whsec_other")
    assert first.pk != paid.merchant_id
    # What was begun is paid to the old account, and its refund comes from there.
    till.stripe.pay(open_.checkout_session_id)
    till.stripe.refund(paid.payment_intent_id, 4000)
    for event in till.stripe.events:
        assert till.post(event) == 200
    till.work()
    assert till.read(open_).status == "paid"
    assert till.read(paid).refunded_cents == 4000
    assert credits_of(till.client) == (before + 110 * CREDIT, 0)
    # What is bought now is paid to the new one, and numbered on.
    new = buy(till)
    assert till.stripe.asked("/v1/checkout/sessions")[-1].key == "rk_test_other1"
    numbers = sorted(till.read(one).receipt_number for one in (paid, open_, new))
    assert [number[-5:] for number in numbers] == ["00001", "00002", "00003"]
    assert reconcile() == []
    # Back to the first one: its row is in use again, with what was paid to it.
    assert save(acme, "rk_test_acme", "whsec_acme").pk == paid.merchant_id
    with organization_scope(acme):
        assert StripeAccount.objects.filter(retired_at=None).count() == 1
        assert StripeAccount.objects.count() == 2


def test_connecting_leaves_what_was_paid_by_key_with_the_key(
    till: Till, acme: Organization, settings: Any
) -> None:
    payment = buy(till)
    settings.STRIPE_SECRET_KEY = "sk_test_platform"
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = "whsec_connect"
    with organization_scope(acme):
        account_setup.begin_connecting(agency=acme, back="https://back")
    till.stripe.refund(payment.payment_intent_id, 4000)
    assert till.post(till.stripe.events[-1]) == 200
    till.work()
    assert till.read(payment).refunded_cents == 4000
    assert till.stripe.requests[-1].key == "rk_test_acme"


def test_nobody_disconnects_while_somebody_may_still_pay(
    till: Till, acme: Organization
) -> None:
    payment = till.begin()
    with organization_scope(acme):
        with pytest.raises(PaymentRefused):
            account_setup.disconnect(agency=acme, actor=None)
        assert StripeAccount.objects.get().is_ready
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        sync_payment(payment.pk)
    with organization_scope(acme):
        account_setup.disconnect(agency=acme, actor=None)
        assert StripeAccount.objects.get().secret_key == ""


def test_a_connected_account_that_was_paid_is_followed_after_it_is_gone(
    connected: Till, acme: Organization
) -> None:
    payment = connected.begin()
    connected.stripe.pay(payment.checkout_session_id)
    tell_platform(connected)
    with organization_scope(acme):
        account_setup.disconnect(agency=acme, actor=None)
        assert account_setup.check_connected(agency=acme) is None
    with organization_scope(connected.client), pytest.raises(PaymentsNotReady):
        checkout.open_payment(
            payer=connected.client, order=connected.order(), actor=None
        )
    paid = connected.read(payment)
    connected.stripe.refund(paid.payment_intent_id, 4000)
    tell_platform(connected)
    assert connected.read(payment).refunded_cents == 4000
