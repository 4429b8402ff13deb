"""Starting a payment: on Stripe's page, or by the saved card.

The row of a `Payment` is written and committed before Stripe hears of it, and its id is
the idempotency key. So whatever dies in between, asking again with the same row leads to
the same session or the same charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.errors import PaymentDeclined, PaymentRefused, PaymentUnknown
from billing.models import (
    CreditPackage,
    Payment,
    StripeAccount,
    StripeCustomer,
    Subscription,
)
from billing.payments import effects
from billing.payments.calls_to_stripe import asking_stripe
from billing.payments.facts import PaymentFacts
from billing.payments.merchant import Merchant, merchant_for, merchant_of_payment
from billing.payments.syncing import apply_facts, sync_payment
from billing.payments.tax import tax_on
from portal.models import Organization, User
from portal.scope import agency_scope

REUSE_FOR: Final = timedelta(hours=20)  # a session lives a day
Purpose = Payment.Purpose
Status = Payment.Status


@dataclass(frozen=True)
class Order:
    """What is to be bought: its price without tax, and what it brings."""

    purpose: Payment.Purpose
    net_cents: int
    terms: dict[str, Any]
    package: CreditPackage | None = None
    subscription: Subscription | None = None
    period: int | None = None


def order_of(package: CreditPackage, purpose: Payment.Purpose, email: str) -> Order:
    """Return the order of a package, with its terms as they are now."""
    terms = {
        "name": package.name,
        "credits_microcredits": package.credits_microcredits,
        "bonus_microcredits": package.bonus_microcredits,
        "expires_days": package.expires_days,
        "email": email,
    }
    return Order(purpose, package.price_cents, terms, package=package)


def open_payment(*, payer: Organization, order: Order, actor: User | None) -> Payment:
    """Return the payment of an attempt that is still open, or begin one.

    The same order again, in another tab or after a reload, is the same attempt; once
    that one is decided, it is a new one. Raises `PaymentsNotReady`.
    """
    merchant = merchant_for(payer)
    tax_cents = (
        tax_on(order.net_cents, merchant.tax_basis_points)
        if merchant.tax == StripeAccount.Tax.FIXED
        else 0
    )
    now = timezone.now()
    with transaction.atomic():
        # One attempt at a time for each payer: its customer's row stands for that.
        _customer_row(payer, merchant)
        same = Payment.objects.filter(
            organization=payer,
            purpose=order.purpose,
            status__in=Payment.UNDECIDED,
            terms=order.terms,
            net_cents=order.net_cents,
            tax_cents=tax_cents,
            merchant=merchant.account,
            subscription=order.subscription,
            period=order.period,
            created_at__gt=now - REUSE_FOR,
        )
        if (before := same.first()) is not None:
            return before
        return Payment.objects.create(
            organization=payer,
            agency_id=payer.agency_id,
            purpose=order.purpose,
            merchant=merchant.account,
            package=order.package,
            subscription=order.subscription,
            period=order.period,
            terms=order.terms,
            currency=merchant.currency,
            net_cents=order.net_cents,
            tax_cents=tax_cents,
            actor=actor,
            next_sync_at=now + timedelta(minutes=2),
        )


def _customer_row(payer: Organization, merchant: Merchant) -> StripeCustomer:
    StripeCustomer.objects.bulk_create(
        [
            StripeCustomer(
                organization=payer,
                agency_id=payer.agency_id,
                merchant=merchant.account,
            )
        ],
        ignore_conflicts=True,
    )
    return StripeCustomer.objects.select_for_update(no_key=True, of=("self",)).get(
        organization=payer, merchant=merchant.account
    )


def customer_of(payer: Organization, merchant: Merchant) -> StripeCustomer:
    """Return who the payer is at Stripe; made there once, whatever happens between."""
    with transaction.atomic():
        row = _customer_row(payer, merchant)
    if row.customer_id:
        return row
    with asking_stripe():
        made = merchant.api.customers.create(
            params={
                "name": payer.name,
                "metadata": {"organization_id": str(payer.pk)},
                **({"email": row.billing_email} if row.billing_email else {}),
            },
            options={"idempotency_key": f"customer-{row.pk}"},
        )
    StripeCustomer.objects.filter(pk=row.pk).update(customer_id=made.id)
    row.customer_id = made.id
    return row


def checkout_url(payment_id: UUID) -> str:
    """Return the address of Stripe's page for a payment; the same each time.

    Raises `PaymentUnknown` when Stripe does not answer; asking again finds out.
    """
    agency_id = Payment.objects.values_list("agency_id", flat=True).get(pk=payment_id)
    # The agency's scope: a client does not see the account it pays into.
    with agency_scope(agency_id):
        payment = Payment.objects.select_related(
            "organization__parent", "merchant"
        ).get(pk=payment_id)
        if payment.checkout_url:
            return payment.checkout_url
        merchant = merchant_of_payment(payment.merchant)
        customer = customer_of(payment.organization, merchant)
        with asking_stripe():
            session = merchant.api.checkout.sessions.create(
                params=_session_params(payment, merchant, customer),
                options={"idempotency_key": f"checkout-{payment.pk}"},
            )
        Payment.objects.filter(pk=payment.pk).update(
            checkout_session_id=session.id, checkout_url=session.url
        )
    return str(session.url)


def _session_params(
    payment: Payment, merchant: Merchant, customer: StripeCustomer
) -> dict[str, Any]:
    payer = payment.organization
    metadata = {"payment_id": str(payment.pk), "organization_id": str(payer.pk)}
    back = effects.page_address(payer, "billing_payment", payment.pk)
    params: dict[str, Any] = {
        "mode": "payment",
        "customer": customer.customer_id,
        "client_reference_id": str(payment.pk),
        "line_items": _lines(payment, merchant),
        "metadata": metadata,
        "payment_intent_data": {
            "metadata": metadata,
            "setup_future_usage": "off_session",
            "description": str(payment.terms["name"]),
        },
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        "success_url": back,
        "cancel_url": effects.page_address(payer, "billing_buy"),
    }
    if merchant.tax == StripeAccount.Tax.STRIPE:
        params["automatic_tax"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
        params["tax_id_collection"] = {"enabled": True}
        params["billing_address_collection"] = "required"
    return params


def _lines(payment: Payment, merchant: Merchant) -> list[dict[str, Any]]:
    def line(name: str, cents: int) -> dict[str, Any]:
        price: dict[str, Any] = {
            "currency": payment.currency,
            "unit_amount": cents,
            "product_data": {"name": name},
        }
        if merchant.tax == StripeAccount.Tax.STRIPE:
            price["tax_behavior"] = "exclusive"
        return {"quantity": 1, "price_data": price}

    lines = [line(str(payment.terms["name"]), payment.net_cents)]
    if payment.tax_cents:
        percent = f"{merchant.tax_basis_points / 100:g} %"
        label = f"{merchant.tax_label} {percent}"
        if merchant.seller_tax_id:
            label += f" ({merchant.seller_tax_id})"
        lines.append(line(label, payment.tax_cents))
    return lines


def charge_saved_card(payment_id: UUID) -> Payment:
    """Charge a payment to the saved card; return it as it stands then.

    Declined is definite. With no answer it stays pending, and `sync_due_payments` asks
    again with the same key until it is known. The saved card is the one at first try.
    """
    agency_id = Payment.objects.values_list("agency_id", flat=True).get(pk=payment_id)
    with agency_scope(agency_id):
        payment = Payment.objects.select_related(
            "organization__parent", "merchant"
        ).get(pk=payment_id)
        if not payment.is_undecided:
            return payment
        if payment.payment_intent_id:
            return sync_payment(payment.pk)
        merchant = merchant_of_payment(payment.merchant)
        customer = customer_of(payment.organization, merchant)
        method = payment.terms.get("payment_method") or customer.payment_method_id
        if not method:
            return apply_facts(
                payment.pk,
                PaymentFacts(is_over=True, problem="There is no saved card."),
            )
        payment.terms = {**payment.terms, "payment_method": method}
        Payment.objects.filter(pk=payment.pk).update(
            status=Status.PENDING, terms=payment.terms
        )
        try:
            if merchant.tax == StripeAccount.Tax.STRIPE:
                _add_tax(payment, merchant, customer)
            _charge(payment, merchant, customer, method)
        except (PaymentDeclined, PaymentRefused) as refusal:
            code = getattr(refusal, "code", "")
            facts = PaymentFacts(is_over=True, problem=str(refusal), code=code)
            return apply_facts(payment.pk, facts)
        except PaymentUnknown:
            return Payment.objects.get(pk=payment.pk)
        return sync_payment(payment.pk)


def _add_tax(payment: Payment, merchant: Merchant, customer: StripeCustomer) -> None:
    """Have Stripe Tax say what is due on top, once; kept before anything is charged.

    By where the customer is, as it said on Stripe's page when it saved its card.
    """
    if payment.terms.get("tax_calculation"):
        return
    with asking_stripe():
        found = merchant.api.tax.calculations.create(
            params={
                "currency": payment.currency,
                "customer": customer.customer_id,
                "line_items": [
                    {
                        "amount": payment.net_cents,
                        "reference": str(payment.pk),
                        "tax_behavior": "exclusive",
                    }
                ],
            },
            options={"idempotency_key": f"tax-{payment.pk}"},
        )
    payment.terms = {**payment.terms, "tax_calculation": found.id}
    payment.tax_cents = found.tax_amount_exclusive
    payment.save(update_fields=["terms", "tax_cents"])


def _charge(
    payment: Payment, merchant: Merchant, customer: StripeCustomer, method: str
) -> None:
    params: dict[str, Any] = {
        "amount": payment.net_cents + payment.tax_cents,
        "currency": payment.currency,
        "customer": customer.customer_id,
        "payment_method": method,
        "off_session": True,
        "confirm": True,
        "description": str(payment.terms["name"]),
        "metadata": {
            "payment_id": str(payment.pk),
            "organization_id": str(payment.organization_id),
        },
    }
    if calculation := payment.terms.get("tax_calculation"):
        # With it Stripe writes the tax into its own reports, and takes it back there.
        params["hooks"] = {"inputs": {"tax": {"calculation": calculation}}}
    with asking_stripe():
        intent = merchant.api.payment_intents.create(
            params=params, options={"idempotency_key": f"charge-{payment.pk}"}
        )
    Payment.objects.filter(pk=payment.pk).update(payment_intent_id=intent.id)


def try_open(
    *, payer: Organization, order: Order, actor: User | None
) -> Payment | None:
    """Begin a payment unless one like it is in flight, by the database's own rule."""
    try:
        with transaction.atomic():
            return open_payment(payer=payer, order=order, actor=actor)
    except IntegrityError:
        return None
