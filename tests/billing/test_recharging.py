"""Automatic top-up: one in flight, a cap, back-off, and a pause when it runs away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing.models import AutoRecharge, Payment, StripeAccount, StripeCustomer
from billing.payments.recharging import recharge_due
from billing.payments.sweeping import sync_due_payments
from billing.reconciliation import reconcile
from billing.selling import save_recharge
from portal.models import OutgoingMail, Role
from portal.scope import all_organizations, organization_scope
from portal.services.organizations import add_member
from tests.billing.books import CREDIT, credits_of
from tests.billing.stripe_world import Till
from tests.fakes.stripe_server import DECLINED_CARD, GOOD_CARD


def wish(till: Till, card: str = GOOD_CARD, **values: Any) -> None:
    """Let the bakery, which has 10 credits, buy its package below 20."""
    payment = till.begin()  # makes the customer
    with organization_scope(till.client):
        Payment.objects.filter(pk=payment.pk).update(status="expired")
        StripeCustomer.objects.update(payment_method_id=card, card_last_four="4242")
        save_recharge(
            organization=till.client,
            values={
                "is_enabled": True,
                "threshold_microcredits": 20 * CREDIT,
                "package_id": till.package.pk,
                **values,
            },
            actor=None,
        )


def state(till: Till) -> AutoRecharge:
    with organization_scope(till.client):
        return AutoRecharge.objects.get()


def charges(till: Till) -> int:
    return sum(
        thing.get("object") == "charge" for thing in till.stripe.objects.values()
    )


def raise_threshold(till: Till) -> None:
    with organization_scope(till.client):
        AutoRecharge.objects.update(threshold_microcredits=10**12)


def test_a_wallet_below_its_threshold_is_filled_once(till: Till) -> None:
    wish(till)
    now = timezone.now()
    assert recharge_due(now) == 1
    assert recharge_due(now) == 0
    assert credits_of(till.client) == (120 * CREDIT, 0)
    assert charges(till) == 1
    assert reconcile() == []


def test_one_is_in_flight_and_an_unknown_outcome_is_asked_again(till: Till) -> None:
    wish(till)
    till.stripe.fail("/v1/payment_intents$", after=True, times=3)
    now = timezone.now()
    assert recharge_due(now) == 1
    assert recharge_due(now) == 0
    assert credits_of(till.client) == (10 * CREDIT, 0)
    with all_organizations("test"):
        Payment.objects.filter(purpose="recharge").update(next_sync_at=now)
    assert sync_due_payments(now) == 1
    assert credits_of(till.client) == (120 * CREDIT, 0)
    assert charges(till) == 1


def tax_by_stripe(till: Till) -> None:
    with all_organizations("test"):
        StripeAccount.objects.update(tax=StripeAccount.Tax.STRIPE)


def test_stripe_tax_is_added_to_a_saved_cards_charge_too(till: Till) -> None:
    wish(till)
    tax_by_stripe(till)
    till.stripe.fail("/v1/payment_intents$", after=True)
    now = timezone.now()
    assert recharge_due(now) == 1
    with all_organizations("test"):
        Payment.objects.filter(purpose="recharge").update(next_sync_at=now)
    sync_due_payments(now)
    with organization_scope(till.client):
        payment = Payment.objects.get(purpose="recharge")
    assert (payment.status, payment.net_cents, payment.tax_cents) == ("paid", 4000, 840)
    assert payment.paid_cents == 4840
    calculated = till.stripe.asked("/v1/tax/calculations")
    assert [one.params["line_items"]["0"]["amount"] for one in calculated] == ["4000"]
    for charge in till.stripe.asked("/v1/payment_intents"):
        tax = charge.params["hooks"]["inputs"]["tax"]
        assert tax["calculation"] == payment.terms["tax_calculation"]
    assert charges(till) == 1
    assert reconcile() == []


def test_nothing_is_charged_while_stripe_cannot_tell_the_tax(till: Till) -> None:
    wish(till)
    tax_by_stripe(till)
    with organization_scope(till.client):
        customer = StripeCustomer.objects.get().customer_id
    till.stripe.without_address.add(customer)
    assert recharge_due(timezone.now()) == 1
    with organization_scope(till.client):
        payment = Payment.objects.get(purpose="recharge")
    assert payment.status == "expired"
    assert "address is missing" in payment.problem
    assert state(till).declines == 1
    assert charges(till) == 0
    assert credits_of(till.client) == (10 * CREDIT, 0)


def test_a_decline_backs_off_longer_each_time_then_pauses(till: Till) -> None:
    wish(till, DECLINED_CARD)
    now = timezone.now()
    waits = []
    for _ in range(4):
        assert recharge_due(now) == 1
        found = state(till)
        assert found.not_before is not None
        waits.append(round((found.not_before - timezone.now()).total_seconds() / 3600))
        assert recharge_due(now) == 0
        now = found.not_before + timedelta(seconds=1)
    assert waits == [1, 2, 4, 8]
    assert state(till).paused_reason == "declined"
    assert recharge_due(now) == 0
    assert credits_of(till.client) == (10 * CREDIT, 0)


def test_a_payment_forgets_earlier_declines(till: Till) -> None:
    wish(till, DECLINED_CARD)
    recharge_due(timezone.now())
    with organization_scope(till.client):
        StripeCustomer.objects.update(payment_method_id=GOOD_CARD)
    recharge_due(timezone.now() + timedelta(hours=2))
    assert (state(till).declines, state(till).not_before) == (0, None)


def test_three_in_ten_minutes_pause_it_and_tell(till: Till) -> None:
    wish(till)
    add_member(organization=till.client, email="d@x.test", role=Role.OWNER, actor=None)
    raise_threshold(till)
    now = timezone.now()
    assert [recharge_due(now) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert state(till).paused_reason == "too_fast"
    assert charges(till) == 3
    with organization_scope(till.client):
        mail = OutgoingMail.objects.get(template="notice")
    assert "Three automatic top-ups" in mail.text


def test_the_cap_of_a_month_counts_what_is_pending_and_ends_with_it(till: Till) -> None:
    wish(till, monthly_cap_cents=9_000)
    raise_threshold(till)
    now = timezone.now()
    assert [recharge_due(now) for _ in range(4)] == [1, 1, 0, 0]
    assert charges(till) == 2
    again = state(till).not_before
    assert again is not None
    assert again.day == 1 or again.astimezone().day >= 28
    assert now < again <= now + timedelta(days=32)


def test_a_package_that_is_gone_pauses_it(till: Till) -> None:
    wish(till)
    with all_organizations("test"):
        type(till.package).objects.update(is_offered=False)
    assert recharge_due(timezone.now()) == 0
    assert state(till).paused_reason == "no_package"


def test_with_no_saved_card_nothing_is_charged(till: Till) -> None:
    wish(till, "")
    assert recharge_due(timezone.now()) == 1
    assert charges(till) == 0
    assert state(till).declines == 1
