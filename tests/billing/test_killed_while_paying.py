"""A worker that is killed while it handles what Stripe sent credits once, later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from billing.models import StripeEvent
from billing.reconciliation import reconcile
from portal.scope import all_organizations
from tests.billing.books import CREDIT, credits_of
from tests.billing.stripe_world import Till
from tests.billing.test_money_under_contention import (
    busy_wallet,
    database,
    see_everything,
    wait_until_blocked,
)

HANDLE = """
import sys, uuid, django
django.setup()
from billing.payments.events import handle_event
handle_event(uuid.UUID(sys.argv[1]))
"""
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PAID = (120 * CREDIT, 0)


@contextmanager
def before_it_credits(till: Till) -> Iterator[None]:
    """Hold the wallet: the worker has asked Stripe and is about to write."""
    with busy_wallet(till.client):
        yield


@contextmanager
def before_it_says_so(till: Till) -> Iterator[None]:
    """Hold the event: the worker has credited and is about to note that it did."""
    with psycopg.connect(database()) as outsider:
        see_everything(outsider)
        outsider.execute("select from billing_stripeevent for update")
        yield
        outsider.rollback()


@pytest.mark.parametrize(
    ("moment", "credits"),
    [(before_it_credits, (10 * CREDIT, 0)), (before_it_says_so, PAID)],
)
def test_a_worker_killed_while_it_handles_a_payment_credits_it_once(
    till: Till,
    moment: Callable[[Till], AbstractContextManager[None]],
    credits: tuple[int, int],
) -> None:
    payment = till.begin()
    till.stripe.pay(payment.checkout_session_id)
    paid = till.stripe.events[-1]
    assert till.post(paid) == 200
    with all_organizations("test"):
        event = StripeEvent.objects.get(handled_at=None)
    with moment(till):
        worker = subprocess.Popen(
            [sys.executable, "-c", HANDLE, str(event.pk)],
            env=os.environ
            | {"DATABASE_URL": database(), "STRIPE_API_BASE": till.stripe.url},
        )
        wait_until_blocked(1)
        worker.kill()
        worker.wait(30)
    wait_until_blocked(0)
    assert credits_of(till.client) == credits
    till.work()
    till.post(paid)
    till.work()
    assert credits_of(till.client) == PAID
    assert till.read(payment).status == "paid"
    assert reconcile() == []
