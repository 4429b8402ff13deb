"""What a payment brings once it is paid, and what follows when it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from billing.grants import Credits, Reason, issue_credits
from billing.models import CreditLot, LedgerEntry, Payment
from billing.payments import plan_rules, recharge_rules
from common.cash import lazy_cents
from common.local_numbers import lazy_credits
from portal.hosts import portal_url
from portal.mail import send_mail
from portal.mail.queue import portal_of
from portal.models import Organization
from portal.scope import organization_scope

Purpose = Payment.Purpose


def credit_key(payment: Payment) -> str:
    """Return the key of the entry a payment makes: one for each payment intent."""
    return f"payment:{payment.payment_intent_id}"


def credits_of(payment: Payment) -> int:
    """Return all that a payment brings, in microcredits."""
    return sum(part.microcredits for part in _credits(payment))


def credit(payment: Payment) -> LedgerEntry:
    """Bring what was paid for, exactly once for the payment, and say so by mail."""
    entry, is_new = issue_credits(
        organization=payment.organization,
        credits=_credits(payment),
        key=credit_key(payment),
        reason=Reason(
            kind=LedgerEntry.Kind.PURCHASE,
            source="payment",
            source_id=payment.pk,
            memo=str(payment.terms.get("name", "")),
            details={
                "cents": payment.paid_cents,
                "tax_cents": payment.tax_cents,
                "currency": payment.currency,
                "receipt": payment.receipt_number,
                "terms": payment.terms,
            },
        ),
        actor=payment.actor,
    )
    if is_new:
        _send_receipt(payment)
    return entry


def once_paid(payment: Payment) -> None:
    """Follow up on a payment that just came, before its credits do."""
    if payment.subscription is not None:
        plan_rules.after_period_paid(payment)
    if payment.purpose == Purpose.RECHARGE:
        recharge_rules.after_payment(payment)


def after_failure(payment: Payment, code: str) -> None:
    """Follow up on a payment that will not come."""
    if payment.purpose == Purpose.RECHARGE:
        recharge_rules.after_decline(payment)
    if payment.subscription is not None:
        plan_rules.after_period_unpaid(payment)


def _credits(payment: Payment) -> list[Credits]:
    terms: dict[str, Any] = payment.terms
    kind, expires_at = CreditLot.Kind.PURCHASE, _expiry(payment)
    if payment.subscription is not None:
        kind = CreditLot.Kind.PLAN
        expires_at = plan_rules.period_end(payment.subscription, payment.period or 0)
    parts = [
        Credits(int(terms["credits_microcredits"]), kind, expires_at),
        Credits(
            int(terms.get("bonus_microcredits", 0)), CreditLot.Kind.BONUS, expires_at
        ),
        # What a month went over is made good, and nothing of it is left to burn.
        Credits(
            int(terms.get("overage_microcredits", 0)),
            CreditLot.Kind.PURCHASE,
            priority=0,
        ),
    ]
    return [part for part in parts if part.microcredits]


def page_address(organization: Organization, name: str, *args: Any) -> str:
    """Return the address of a page of ours for a mail or for Stripe."""
    path = reverse(name, args=args, urlconf=settings.ROOT_URLCONF)
    portal = portal_of(organization)
    return portal_url(portal, path) if portal is not None else path


def _expiry(payment: Payment) -> Any:
    days = payment.terms.get("expires_days")
    paid_at = payment.decided_at or timezone.now()
    return paid_at + timedelta(days=days) if days else None


def _send_receipt(payment: Payment) -> None:
    customer = payment.organization
    to = payment.terms.get("email") or ""
    if not to:
        return
    with organization_scope(customer), transaction.atomic():
        send_mail(
            organization=customer,
            template="receipt",
            to=to,
            context={
                "organization_name": customer.name,
                "number": payment.receipt_number,
                "credits": lazy_credits(credits_of(payment)),
                "amount": lazy_cents(payment.paid_cents, payment.currency),
                "paid_at": payment.decided_at,
                "url": page_address(customer, "billing_receipt", payment.pk),
            },
            idempotency_key=f"receipt:{payment.pk}",
        )
