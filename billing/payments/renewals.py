"""Monthly plans: subscribing, renewing, leaving."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.errors import PaymentError, PaymentRefused
from billing.ledger import wallet_balance
from billing.models import Payment, Plan, Subscription
from billing.payments.checkout import Order, charge_saved_card, open_payment
from billing.payments.plan_rules import (
    Status,
    end_subscription,
    frozen_terms,
    included_microcredits,
    overage_cents,
)
from common.edges import contained
from portal.models import Organization, User
from portal.scope import Scope, all_organizations, scoped
from portal.services import audit

logger = logging.getLogger(__name__)
SWEEP_BATCH: Final = 100


@transaction.atomic
def subscribe(
    *, client: Organization, plan: Plan, email: str, actor: User | None
) -> Payment:
    """Put a client on a plan, with its terms of now; return the first month's payment.

    It becomes active when that is paid. Raises `PaymentRefused` while another plan
    lasts. Asked twice, it is one subscription and one payment.
    """
    pending = Subscription.objects.filter(
        organization=client, status=Status.PENDING
    ).first()
    if pending is not None and (
        pending.plan_id != plan.pk or pending.terms != frozen_terms(plan)
    ):
        _drop(pending)
        pending = None
    if pending is None:
        try:
            with transaction.atomic():
                pending = Subscription.objects.create(
                    organization=client,
                    agency_id=client.agency_id,
                    plan=plan,
                    terms=frozen_terms(plan),
                )
        except IntegrityError as error:
            raise PaymentRefused("Leave the plan you are on first.") from error
        audit.record(
            organization=client, actor=actor, action="plan.chosen", target=pending
        )
    return open_payment(
        payer=client, order=_order(pending, client, email=email), actor=actor
    )


def _drop(pending: Subscription) -> None:
    """Give up a subscription nobody paid; one that may yet be paid stays."""
    if pending.payments.filter(status__in=Payment.UNDECIDED).exclude(
        checkout_session_id="", payment_intent_id=""
    ):
        raise PaymentRefused("A payment for another plan is still open.")
    pending.payments.filter(status__in=Payment.UNDECIDED).update(
        status=Payment.Status.EXPIRED, next_sync_at=None
    )
    pending.status = Status.ENDED
    pending.save(update_fields=["status"])


def _order(subscription: Subscription, client: Organization, *, email: str) -> Order:
    terms = subscription.terms
    over = 0
    if subscription.period:
        over = max(0, -wallet_balance(client).available)
    return Order(
        Payment.Purpose.PLAN,
        int(terms["price_cents"]) + overage_cents(terms, over),
        {
            "name": terms["name"],
            "credits_microcredits": included_microcredits(terms),
            "overage_microcredits": over,
            "email": email,
        },
        subscription=subscription,
        period=subscription.period,
    )


def renew_due(now: datetime) -> int:
    """Charge every month that is due; return how many were tried."""
    with all_organizations("a month ends whoever subscribed"):
        due = list(
            Subscription.objects.filter(
                status__in=[Status.ACTIVE, Status.PAST_DUE], next_try_at__lte=now
            )
            .order_by("next_try_at")
            .values_list("pk", "agency_id")[:SWEEP_BATCH]
        )
    for subscription_id, agency_id in due:
        one = {"subscription": str(subscription_id)}
        # One client must not keep the others from renewing.
        with contained(logger, "not renewed", subscription=one["subscription"]):
            try:
                with scoped(Scope(agency_id, None)):
                    renew(subscription_id, now)
            except PaymentError:
                logger.warning("not renewed", extra=one)
    return len(due)


def renew(subscription_id: UUID, now: datetime) -> None:
    """Charge the next month of one subscription, or end it if that was wanted."""
    with transaction.atomic():
        subscription = (
            Subscription.objects.select_for_update(of=("self",), no_key=True)
            .select_related("organization__parent")
            .get(pk=subscription_id)
        )
        is_due = (
            subscription.next_try_at is not None and subscription.next_try_at <= now
        )
        if not is_due or subscription.status == Status.ENDED:
            return
        if subscription.is_cancelled:
            end_subscription(subscription, now)
            return
        before = subscription.payments.order_by("created_at").last()
        email = str(before.terms.get("email", "")) if before else ""
        undecided = subscription.payments.filter(
            period=subscription.period, status__in=Payment.UNDECIDED
        ).first()
    payment = undecided or open_payment(
        payer=subscription.organization,
        order=_order(subscription, subscription.organization, email=email),
        actor=None,
    )
    charge_saved_card(payment.pk)


def cancel_subscription(
    *, subscription: Subscription, actor: User | None
) -> Subscription:
    """Let a plan end with the month that is paid."""
    subscription.is_cancelled = True
    subscription.save(update_fields=["is_cancelled"])
    audit.record(
        organization=subscription.organization,
        actor=actor,
        action="plan.cancelled",
        target=subscription,
    )
    return subscription
