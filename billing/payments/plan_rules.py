"""What a month of a plan brings and when it ends; nothing here asks Stripe."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from billing.models import Account, Payment, Plan, Subscription
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Organization

GRACE: Final = timedelta(days=3)
TRY_EVERY: Final = timedelta(hours=24)
Status = Subscription.Status


def frozen_terms(plan: Plan) -> dict[str, Any]:
    """Return a plan's terms as a subscription keeps them, whatever the plan becomes."""
    return {
        "name": plan.name,
        "price_cents": plan.price_cents,
        "included_minutes": plan.included_minutes,
        "microcredits_per_minute": plan.microcredits_per_minute,
        "overage_limit_microcredits": plan.overage_limit_microcredits,
        "overage_cents_per_credit": plan.overage_cents_per_credit,
    }


def included_microcredits(terms: dict[str, Any]) -> int:
    """Return what the included minutes are worth at the plan's own price."""
    return int(terms["included_minutes"]) * int(terms["microcredits_per_minute"])


def overage_cents(terms: dict[str, Any], microcredits: int) -> int:
    """Return what a month over the wallet costs, rounded up to a cent."""
    cents = microcredits * int(terms["overage_cents_per_credit"])
    return -(-cents // MICROCREDITS_PER_CREDIT)


def period_end(subscription: Subscription, period: int) -> datetime:
    """Return when a month of a subscription ends; months are counted from its start.

    The 31st of a shorter month is its last day, and the next month's is the 31st again.
    """
    started = subscription.started_at or subscription.created_at
    months = started.month - 1 + period + 1
    year, month = started.year + months // 12, months % 12 + 1
    day = started.day
    while True:
        try:
            return started.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1


def subscription_of(organization: Organization) -> Subscription | None:
    """Return the plan an organization is on, paid or in its days of grace."""
    return Subscription.objects.filter(
        organization=organization, status__in=[Status.ACTIVE, Status.PAST_DUE]
    ).first()


def after_period_paid(payment: Payment) -> None:
    """Begin the month that was paid; the credit line is the plan's."""
    subscription = payment.subscription
    assert subscription is not None
    if subscription.started_at is None:
        subscription.started_at = payment.decided_at or timezone.now()
    subscription.period = (payment.period or 0) + 1
    subscription.paid_until = period_end(subscription, payment.period or 0)
    subscription.next_try_at = subscription.paid_until
    subscription.status = Status.ACTIVE
    subscription.save()
    limit = int(subscription.terms["overage_limit_microcredits"])
    set_credit_line(payment.organization, limit)


def after_period_unpaid(payment: Payment) -> None:
    """Try again tomorrow; three days after the month ended, end the subscription."""
    subscription = payment.subscription
    assert subscription is not None
    now = timezone.now()
    if subscription.started_at is None:
        end_subscription(subscription, now)
    elif subscription.status in (Status.ACTIVE, Status.PAST_DUE):
        subscription.status = Status.PAST_DUE
        subscription.next_try_at = now + TRY_EVERY
        paid_until = subscription.paid_until or now
        if now - paid_until >= GRACE:
            end_subscription(subscription, now)
        else:
            subscription.save()


def end_subscription(subscription: Subscription, now: datetime) -> None:
    """End it: no further month, no credit line."""
    subscription.status = Status.ENDED
    subscription.ended_at = now
    subscription.next_try_at = None
    subscription.save()
    set_credit_line(subscription.organization, 0)


def set_credit_line(organization: Organization, microcredits: int) -> None:
    """Let a wallet go this far below zero; what it owes by then stays allowed."""
    for wallet in Account.objects.select_for_update(no_key=True).filter(
        organization=organization, kind=Account.Kind.WALLET
    ):
        below = -wallet.balance_microcredits - microcredits
        wallet.debt_microcredits = max(0, below)
        wallet.credit_line_microcredits = microcredits
        wallet.save(update_fields=["debt_microcredits", "credit_line_microcredits"])
