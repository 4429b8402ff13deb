"""Monthly plans: included minutes, then the wallet, then overage; terms frozen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.errors import NotEnoughCredits, PaymentRefused
from billing.holds import settle_call
from billing.models import (
    Account,
    CreditLot,
    Payment,
    Plan,
    StripeCustomer,
    Subscription,
)
from billing.payments import checkout, plan_rules, renewals
from billing.payments.syncing import sync_payment
from billing.pricing import price_for_call
from billing.reconciliation import reconcile
from portal.models import Organization
from portal.scope import organization_scope
from tests.billing.books import CREDIT, credits_of, hold
from tests.billing.stripe_world import Till
from tests.fakes.stripe_server import DECLINED_CARD


@pytest.fixture
def plan(till: Till, acme: Organization) -> Plan:
    with organization_scope(acme):
        return Plan.objects.create(
            organization=acme,
            name="Team",
            price_cents=9_900,
            included_minutes=100,
            microcredits_per_minute=2 * CREDIT,
            overage_limit_microcredits=20 * CREDIT,
            overage_cents_per_credit=50,
        )


def join(till: Till, plan: Plan) -> Subscription:
    with organization_scope(till.client):
        payment = renewals.subscribe(
            client=till.client, plan=plan, email="", actor=None
        )
        checkout.checkout_url(payment.pk)
        payment = Payment.objects.get(pk=payment.pk)
        till.stripe.pay(payment.checkout_session_id)
        sync_payment(payment.pk)
        return Subscription.objects.get()


def spend(till: Till, credits: int) -> None:
    call_id = uuid4()
    hold(till.client, call_id, client_price=credits * CREDIT, pool_price=0)
    with organization_scope(till.client):
        settle_call(call_id=call_id, seconds=60)


def lots(till: Till) -> dict[str, int]:
    with organization_scope(till.client):
        return {
            lot.kind: lot.remaining_microcredits // CREDIT
            for lot in CreditLot.objects.filter(remaining_microcredits__gt=0)
        }


def renew(till: Till) -> Subscription:
    """Let the month end."""
    with organization_scope(till.client):
        now = Subscription.objects.get().next_try_at
    assert now is not None
    renewals.renew_due(now)
    with organization_scope(till.client):
        return Subscription.objects.get()


def test_a_paid_month_brings_its_minutes_its_price_and_its_line(
    till: Till, plan: Plan
) -> None:
    found = join(till, plan)
    assert (found.status, found.period) == ("active", 1)
    assert found.paid_until == plan_rules.period_end(found, 0)
    assert lots(till) == {"plan": 200, "grant": 10}
    with organization_scope(till.client):
        price = price_for_call(till.client, timezone.now(), "inbound").client
        wallet = Account.objects.get(kind="wallet")
    assert (price.microcredits_per_minute, price.model_cost_percent) == (2 * CREDIT, 0)
    assert wallet.credit_line_microcredits == 20 * CREDIT


def test_the_minutes_go_first_then_the_wallet_then_the_line(
    till: Till, plan: Plan
) -> None:
    join(till, plan)
    spend(till, 150)
    with organization_scope(till.client):
        from billing.lots import lots_of

        assert [lot.kind for lot in lots_of(till.client)] == ["plan", "grant"]
    spend(till, 55)
    spend(till, 20)
    assert credits_of(till.client) == (-15 * CREDIT, 0)
    with pytest.raises(NotEnoughCredits):
        hold(till.client, uuid4(), 60, client_price=60 * CREDIT, pool_price=0)
    assert reconcile() == []


def test_the_next_month_makes_good_what_went_over(till: Till, plan: Plan) -> None:
    join(till, plan)
    spend(till, 220)
    found = renew(till)
    assert (found.period, found.status) == (2, "active")
    assert credits_of(till.client) == (200 * CREDIT, 0)
    with organization_scope(till.client):
        payment = Payment.objects.get(period=1)
    assert payment.net_cents == 9_900 + 10 * 50
    with organization_scope(till.client):
        from billing.lots import lots_of

        assert [lot.kind for lot in lots_of(till.client)] == ["plan"]
    assert reconcile() == []


def test_the_terms_are_those_of_the_day_it_began(till: Till, plan: Plan) -> None:
    join(till, plan)
    with organization_scope(plan.organization):
        Plan.objects.update(price_cents=1, included_minutes=1)
    renew(till)
    with organization_scope(till.client):
        assert Payment.objects.get(period=1).net_cents == 9_900


def test_a_renewal_happens_once_however_often_it_is_due(till: Till, plan: Plan) -> None:
    join(till, plan)
    with organization_scope(till.client):
        now = Subscription.objects.get().next_try_at
    assert now is not None
    for _ in range(3):
        renewals.renew_due(now)
    with organization_scope(till.client):
        assert Payment.objects.filter(status="paid").count() == 2


def test_an_unpaid_month_has_three_days_and_then_ends(
    till: Till, plan: Plan, monkeypatch: Any
) -> None:
    join(till, plan)
    with organization_scope(till.client):
        StripeCustomer.objects.update(payment_method_id=DECLINED_CARD)
        paid_until = Subscription.objects.get().paid_until
    assert paid_until is not None
    seen = []
    for day in range(4):
        now = paid_until + timedelta(days=day, minutes=1)
        monkeypatch.setattr(plan_rules.timezone, "now", lambda now=now: now)
        renewals.renew_due(now)
        with organization_scope(till.client):
            seen.append(Subscription.objects.get().status)
    assert seen == ["past_due", "past_due", "past_due", "ended"]
    with organization_scope(till.client):
        assert Account.objects.get(kind="wallet").credit_line_microcredits == 0


def test_a_cancelled_plan_ends_with_its_month(till: Till, plan: Plan) -> None:
    found = join(till, plan)
    with organization_scope(till.client):
        renewals.cancel_subscription(subscription=found, actor=None)
    assert renew(till).status == "ended"
    with organization_scope(till.client):
        assert Payment.objects.filter(purpose="plan").count() == 1


def test_one_plan_at_a_time(till: Till, plan: Plan, acme: Organization) -> None:
    join(till, plan)
    with organization_scope(till.client), pytest.raises(PaymentRefused):
        renewals.subscribe(client=till.client, plan=plan, email="", actor=None)


@pytest.mark.parametrize(
    ("day", "ends"),
    [(31, ["2026-02-28", "2026-03-31", "2026-04-30"]), (1, ["2026-02-01"])],
)
def test_months_are_counted_from_the_start(day: int, ends: list[str]) -> None:
    begun = timezone.now().replace(year=2026, month=1, day=day)
    subscription = Subscription(started_at=begun)
    found = [plan_rules.period_end(subscription, n) for n in range(len(ends))]
    assert [f"{end:%Y-%m-%d}" for end in found] == ends
