"""What an organization can buy now, and what it would pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.errors import PaymentsNotReady
from billing.models import CreditPackage, Payment, Plan, StripeAccount, Subscription
from billing.payments.checkout import Order
from billing.payments.merchant import Merchant, merchant_for
from billing.payments.recharging import pool_order
from billing.payments.tax import tax_on
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Organization
from portal.scope import agency_scope

POOL_SIZES: Final = (1_000, 5_000, 25_000)


@dataclass(frozen=True)
class Ware:
    """One thing on offer, with its price and what tax adds to it."""

    id: str
    name: str
    microcredits: int
    bonus_microcredits: int
    net_cents: int
    tax_cents: int
    expires_days: int | None = None

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.tax_cents

    @property
    def cents_per_credit(self) -> float:
        credits = (
            self.microcredits + self.bonus_microcredits
        ) / MICROCREDITS_PER_CREDIT
        return self.net_cents / credits


@dataclass(frozen=True)
class PlanWare:
    plan: Plan
    tax_cents: int

    @property
    def total_cents(self) -> int:
        return self.plan.price_cents + self.tax_cents


@dataclass(frozen=True)
class Shop:
    """`is_open` is whether anything can be paid for."""

    is_open: bool
    currency: str
    tax_label: str
    is_tax_added_later: bool
    wares: list[Ware]
    plans: list[PlanWare]
    subscription: Subscription | None


def open_shop(payer: Organization) -> Shop:
    """Return the shop as one organization sees it."""
    try:
        merchant: Merchant | None = merchant_for(payer)
    except PaymentsNotReady:
        merchant = None
    rate = _rate(merchant)
    with agency_scope(payer.agency_id):
        if payer.is_agency:
            wares, plans = [_pool_ware(size, rate) for size in POOL_SIZES], []
        else:
            wares = [
                _ware(package, rate)
                for package in CreditPackage.objects.filter(
                    organization=payer.agency_id, is_offered=True
                )
            ]
            plans = [
                PlanWare(plan, tax_on(plan.price_cents, rate))
                for plan in Plan.objects.filter(
                    organization=payer.agency_id, is_offered=True
                )
            ]
        subscription = (
            Subscription.objects.filter(organization=payer)
            .exclude(status__in=[Subscription.Status.ENDED])
            .select_related("plan")
            .first()
        )
    return Shop(
        is_open=merchant is not None,
        currency=merchant.currency if merchant else "eur",
        tax_label=merchant.tax_label if merchant else "VAT",
        is_tax_added_later=merchant is not None
        and merchant.tax == StripeAccount.Tax.STRIPE,
        wares=wares,
        plans=plans,
        subscription=subscription,
    )


def offered_package(payer: Organization, package_id: UUID) -> CreditPackage | None:
    """Return a package that the payer's agency offers, which its own scope hides."""
    if payer.is_agency:
        return None
    with agency_scope(payer.agency_id):
        return CreditPackage.objects.filter(
            organization=payer.agency_id, is_offered=True, pk=package_id
        ).first()


def offered_plan(payer: Organization, plan_id: UUID) -> Plan | None:
    """Return a plan that the payer's agency offers."""
    if payer.is_agency:
        return None
    with agency_scope(payer.agency_id):
        return Plan.objects.filter(
            organization=payer.agency_id, is_offered=True, pk=plan_id
        ).first()


def pool_order_of(credits: int, email: str) -> Order:
    """Return the order of an agency for its pool."""
    microcredits = credits * MICROCREDITS_PER_CREDIT
    return pool_order(microcredits, Payment.Purpose.PACKAGE, email)


def _rate(merchant: Merchant | None) -> int:
    if merchant is None or merchant.tax != StripeAccount.Tax.FIXED:
        return 0
    return merchant.tax_basis_points


def _ware(package: CreditPackage, rate: int) -> Ware:
    return Ware(
        str(package.pk),
        package.name,
        package.credits_microcredits,
        package.bonus_microcredits,
        package.price_cents,
        tax_on(package.price_cents, rate),
        package.expires_days,
    )


def _pool_ware(size: int, rate: int) -> Ware:
    order = pool_order_of(size, "")
    return Ware(
        str(size),
        str(order.terms["name"]),
        size * MICROCREDITS_PER_CREDIT,
        0,
        order.net_cents,
        tax_on(order.net_cents, rate),
    )
