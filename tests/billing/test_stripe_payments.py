"""A payment credits exactly once, whatever comes, how often, in which order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.utils import timezone

from billing.errors import NotEnoughCredits, PaymentsNotReady, PaymentUnknown
from billing.models import (
    Account,
    CashPosting,
    CreditLot,
    LedgerEntry,
    Payment,
    StripeEvent,
)
from billing.payments import checkout
from billing.payments.events import BadSignature, receive_event
from billing.payments.merchant import API_VERSION
from billing.payments.sweeping import sync_due_payments
from billing.payments.syncing import sync_payment
from billing.reconciliation import reconcile
from portal.models import Organization, OutgoingMail, Portal
from portal.scope import all_organizations, organization_scope
from tests.billing.books import CREDIT, credits_of, hold, make_client
from tests.billing.stripe_world import KEY, SECRET, Till, put_on_offer

BEFORE = 10 * CREDIT
BOUGHT = 110 * CREDIT


def cash(organization: Organization) -> dict[str, int]:
    with all_organizations("test"):
        found: dict[str, int] = {}
        for row in CashPosting.objects.filter(agency=organization.agency_id):
            found[row.kind] = found.get(row.kind, 0) + row.amount_cents
    return found


def test_every_request_is_pinned_keyed_and_for_the_agencys_account(till: Till) -> None:
    payment = till.begin()
    made = [seen for seen in till.stripe.requests if seen.method == "POST"]
    assert [seen.path for seen in made] == ["/v1/customers", "/v1/checkout/sessions"]
    assert {seen.version for seen in made} == {API_VERSION}
    assert {seen.key for seen in made} == {KEY}
    assert made[1].idempotency_key == f"checkout-{payment.pk}"
    assert made[1].params["metadata"]["payment_id"] == str(payment.pk)


def test_paying_brings_credits_bonus_receipt_and_the_sellers_books(till: Till) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    for event in till.stripe.events:
        assert till.post(event) == 200
    till.work()
    paid = till.read(payment)
    assert (paid.status, paid.paid_cents) == ("paid", 4000)
    assert paid.receipt_number.endswith("-00001")
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)
    with organization_scope(till.client):
        kinds = CreditLot.objects.filter(
            entry__idempotency_key=f"payment:{paid.payment_intent_id}"
        ).values_list("kind", "amount_microcredits")
        assert sorted(kinds) == [("bonus", 10 * CREDIT), ("purchase", 100 * CREDIT)]
        mail = OutgoingMail.objects.get(template="receipt")
    assert paid.receipt_number in mail.text
    assert cash(till.client) == {"clearing": 3975, "fees": 25, "sales": -4000}
    assert reconcile() == []


@pytest.mark.parametrize("seed", range(6))
def test_any_number_and_order_of_events_and_returns_credit_once(
    till: Till, seed: int
) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    chance = random.Random(seed)
    deliveries = till.stripe.events * 3
    chance.shuffle(deliveries)
    for event in deliveries:
        assert till.post(event) == 200
        if chance.random() < 0.5:
            till.work()
        if chance.random() < 0.3:
            with organization_scope(till.client):
                sync_payment(payment.pk)
    till.work()
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)
    with all_organizations("test"):
        assert LedgerEntry.objects.filter(kind="purchase").count() == 1
        assert StripeEvent.objects.count() == len(till.stripe.events)
    assert reconcile() == []


def test_a_reload_and_an_unknown_outcome_keep_the_attempt(till: Till) -> None:
    till.stripe.fail("/v1/checkout/sessions$", after=True, times=3)
    with organization_scope(till.client):
        first = checkout.open_payment(payer=till.client, order=till.order(), actor=None)
        with pytest.raises(PaymentUnknown):
            checkout.checkout_url(first.pk)
        again = checkout.open_payment(payer=till.client, order=till.order(), actor=None)
        address = checkout.checkout_url(again.pk)
    assert again.pk == first.pk
    sessions = [t for t in till.stripe.objects.values() if t["id"].startswith("cs_")]
    assert len(sessions) == 1
    assert address == sessions[0]["url"]


def test_a_decided_attempt_makes_room_for_a_new_one(till: Till) -> None:
    payment = till.begin()
    till.stripe.leave(payment.checkout_session_id)
    till.post(till.stripe.events[-1])
    till.work()
    assert till.read(payment).status == "expired"
    assert till.begin().pk != payment.pk
    assert credits_of(till.client) == (BEFORE, 0)


@pytest.mark.parametrize("status", [0, 409, 429, 500])
def test_what_stripe_does_not_answer_is_asked_again(till: Till, status: int) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    till.stripe.fail("/v1/payment_intents/", status, times=20)
    till.post(till.stripe.events[-1])
    till.work()
    assert credits_of(till.client) == (BEFORE, 0)
    till.stripe.faults.clear()
    till.work()
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)


def test_the_sweeper_finds_a_payment_nobody_told_of(till: Till) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with all_organizations("test"):
        Payment.objects.update(next_sync_at=timezone.now())
    assert sync_due_payments(timezone.now()) == 1
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)
    assert sync_due_payments(timezone.now()) == 0


def test_an_event_finds_its_payment_when_our_answer_was_lost(till: Till) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        Payment.objects.update(checkout_session_id="", payment_intent_id="")
    till.post(till.stripe.events[0])
    till.work()
    assert till.read(payment).status == "paid"
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)


def test_another_amount_than_agreed_credits_nothing(till: Till) -> None:
    payment = till.begin()
    till.stripe.objects[payment.checkout_session_id]["amount_total"] = 1
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        found = sync_payment(payment.pk)
    assert found.problem
    assert found.status == "open"
    assert credits_of(till.client) == (BEFORE, 0)


# --- signatures -----------------------------------------------------------------------
@pytest.mark.parametrize("secret", ["whsec_wrong", "whsec_acme "])
def test_a_wrong_signature_is_refused_and_leaves_nothing(
    till: Till, secret: str
) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    assert till.post(till.stripe.events[-1], secret) == 400
    with all_organizations("test"):
        assert StripeEvent.objects.count() == 0


def test_another_portal_does_not_take_the_event(
    till: Till, globex: Organization
) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    body, signature = till.stripe.deliver(till.stripe.events[-1], SECRET)
    portal = Portal.objects.get(agency=globex)
    for where in (portal, None):
        with pytest.raises(BadSignature):
            receive_event(portal=where, body=body, signature=signature)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"{"])
def test_a_signed_body_that_is_no_event_is_refused(till: Till, body: bytes) -> None:
    import stripe

    text = body.decode("utf-8", "replace")
    signature = stripe.WebhookSignature.generate_signature_header(text, SECRET)
    portal = Portal.objects.get(agency=till.client.agency_id)
    with pytest.raises((BadSignature, ValueError)):
        receive_event(portal=portal, body=body, signature=signature)


def test_events_about_other_things_are_kept_and_left_alone(till: Till) -> None:
    event: dict[str, Any] = {
        "id": "evt_other",
        "type": "customer.updated",
        "data": {"object": {"id": "cus_x", "object": "customer"}},
    }
    assert till.post(event) == 200
    till.work()
    with all_organizations("test"):
        assert StripeEvent.objects.get().handled_at is not None


def test_an_event_cannot_credit_another_agencys_client(
    till: Till, globex: Organization
) -> None:
    """Its metadata names a payment; only payments to this very account are looked at."""
    other = make_client(globex, "Garage")
    with organization_scope(other):
        foreign = Payment.objects.create(
            organization=other,
            purpose="package",
            terms={"name": "x", "credits_microcredits": CREDIT},
            currency="eur",
            net_cents=100,
        )
    event: dict[str, Any] = {
        "id": "evt_forged",
        "type": "payment_intent.succeeded",
        "data": {
            "object": {
                "id": "pi_x",
                "object": "payment_intent",
                "metadata": {"payment_id": str(foreign.pk)},
            }
        },
    }
    assert till.post(event) == 200
    till.work()
    assert credits_of(other) == (0, 0)


# --- refunds and disputes -------------------------------------------------------------
@pytest.fixture
def paid(till: Till) -> Payment:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        return sync_payment(payment.pk)


def tell(till: Till) -> None:
    """Deliver everything that happened, twice and backwards."""
    for event in [*till.stripe.events, *reversed(till.stripe.events)]:
        till.post(event)
        till.work()


def test_parts_of_a_refund_take_back_their_part_and_all_takes_all(
    till: Till, paid: Payment
) -> None:
    for cents, left in ((1, 110 * CREDIT - 27_500), (1333, 73_315_000), (2666, 0)):
        till.stripe.refund(paid.payment_intent_id, cents)
        tell(till)
        assert credits_of(till.client) == (BEFORE + left, 0)
    assert till.read(paid).refunded_cents == 4000
    assert cash(till.client)["sales"] == 0
    assert reconcile() == []


def test_a_refund_of_spent_credits_leaves_a_debt_and_calls_stop(
    till: Till, paid: Payment
) -> None:
    call_id = paid.pk
    hold(till.client, call_id, 60, client_price=100 * CREDIT)
    with organization_scope(till.client):
        from billing.holds import settle_call

        settle_call(call_id=call_id, seconds=60)
    till.stripe.refund(paid.payment_intent_id, 4000)
    tell(till)
    assert credits_of(till.client) == (-90 * CREDIT, 0)
    with pytest.raises(NotEnoughCredits):
        hold(till.client, till.package.pk, 60)
    assert reconcile() == []
    again = till.begin()
    till.stripe.pay(again.checkout_session_id)
    with organization_scope(till.client):
        sync_payment(again.pk)
        wallet = Account.objects.get(kind="wallet")
    assert wallet.balance_microcredits == 20 * CREDIT
    assert wallet.debt_microcredits == 0
    assert reconcile() == []


def test_a_refund_that_fails_gives_the_credits_again(till: Till, paid: Payment) -> None:
    refund = till.stripe.refund(paid.payment_intent_id, 2000)
    tell(till)
    assert credits_of(till.client) == (BEFORE + 55 * CREDIT, 0)
    till.stripe.fail_refund(refund)
    tell(till)
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)
    assert reconcile() == []


def test_a_dispute_takes_the_credits_and_winning_gives_them_again(
    till: Till, paid: Payment
) -> None:
    dispute = till.stripe.dispute(paid.payment_intent_id, 4000)
    tell(till)
    assert credits_of(till.client) == (BEFORE, 0)
    assert till.read(paid).is_disputed
    assert cash(till.client) == {"clearing": -1525, "fees": 1525, "sales": 0}
    till.stripe.win(dispute)
    tell(till)
    assert credits_of(till.client) == (BEFORE + BOUGHT, 0)
    assert not till.read(paid).is_disputed
    assert reconcile() == []


# --- tax, and who is paid -------------------------------------------------------------
def test_a_fixed_tax_is_added_and_booked(till: Till, acme: Organization) -> None:
    from billing.models import StripeAccount

    with organization_scope(acme):
        StripeAccount.objects.update(tax="fixed", tax_basis_points=2100)
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        found = sync_payment(payment.pk)
    assert (found.net_cents, found.tax_cents, found.paid_cents) == (4000, 840, 4840)
    books = {"clearing": 4815, "fees": 25, "sales": -4000, "tax": -840}
    assert cash(till.client) == books


def test_stripe_tax_is_what_stripe_says(till: Till, acme: Organization) -> None:
    from billing.models import StripeAccount

    with organization_scope(acme):
        StripeAccount.objects.update(tax="stripe")
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        found = sync_payment(payment.pk)
    assert (found.tax_cents, found.paid_cents, found.status) == (840, 4840, "paid")


def test_an_agency_pays_the_operator(
    till: Till, acme: Organization, settings: Any
) -> None:
    with organization_scope(acme), pytest.raises(PaymentsNotReady):
        checkout.open_payment(payer=acme, order=till.order(), actor=None)
    settings.STRIPE_SECRET_KEY = "sk_test_operator"
    with organization_scope(acme):
        payment = checkout.open_payment(payer=acme, order=till.order(), actor=None)
        checkout.checkout_url(payment.pk)
        session = Payment.objects.get(pk=payment.pk).checkout_session_id
        till.stripe.pay(session)
        assert sync_payment(payment.pk).status == "paid"
    assert credits_of(acme) == (100 * CREDIT + BOUGHT, 0)
    assert till.stripe.requests[-1].key == "sk_test_operator"


def test_packages_of_another_agency_are_not_for_sale(
    till: Till, globex: Organization
) -> None:
    from billing.payments.shop import offered_package

    foreign = put_on_offer(globex)
    with organization_scope(till.client):
        assert offered_package(till.client, foreign.pk) is None
        assert offered_package(till.client, till.package.pk) == till.package
