"""What lies at Stripe against the books, in both directions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Payment
from billing.payments.clearing import check_clearing
from billing.payments.syncing import sync_payment
from portal.scope import organization_scope
from tests.billing.stripe_world import Till


@pytest.fixture
def paid(till: Till) -> Payment:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    with organization_scope(till.client):
        return sync_payment(payment.pk)


def test_books_that_agree_are_quiet(till: Till, paid: Payment) -> None:
    refund = till.stripe.refund(paid.payment_intent_id, 1000)
    assert refund
    till.stripe.dispute(paid.payment_intent_id, 500)
    with organization_scope(till.client):
        sync_payment(paid.pk)
    assert check_clearing(timezone.now()) == []


def test_another_amount_at_stripe_is_told(till: Till, paid: Payment) -> None:
    moved = next(t for t in till.stripe.objects.values() if t["id"].startswith("txn_"))
    moved["net"] = 1
    [drift] = check_clearing(timezone.now())
    assert (drift.row_id, drift.expected, drift.found) == (moved["id"], 1, 3975)


def test_a_movement_the_books_have_not_is_told_once_it_settled(
    till: Till, paid: Payment
) -> None:
    extra = till.stripe._transaction("rk_test_acme", 700, 0, "charge", paid.charge_id)
    assert check_clearing(timezone.now()) == []
    [drift] = check_clearing(timezone.now() + timedelta(hours=3))
    assert (drift.row_id, drift.expected, drift.found) == (extra, 700, 0)


def test_a_stripe_that_does_not_answer_is_no_drift(till: Till, paid: Payment) -> None:
    till.stripe.fail("/v1/balance_transactions", 500, times=9)
    assert check_clearing(timezone.now()) == []
