"""Buying credits over REST: Stripe's page, a code, and every payment so far."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from ninja import Body as BodyParam, Query, Router, Status
from pydantic import BaseModel, Field, model_validator

from billing.errors import PaymentRefused, PaymentUnknown
from billing.models import Payment
from billing.offers import CouponRefused, redeem_coupon
from billing.payments import cards, checkout, shop
from common.money import format_credits
from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.members import Email
from portal.api.paging import Body, Page, Pagination, pagination
from portal.api.shapes import one_of
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission

router = Router(tags=["Billing"])


class PaymentJson(BaseModel):
    """One attempt to pay. `checkout_url` is where a person pays it."""

    id: UUID
    purpose: str
    name: str
    status: str
    currency: str
    net_cents: int
    tax_cents: int
    paid_cents: int
    refunded_cents: int
    receipt_number: str | None
    checkout_url: str | None
    created_at: datetime
    decided_at: datetime | None


class OnePayment(BaseModel):
    payment: PaymentJson


class Payments(BaseModel):
    payments: list[PaymentJson]
    pagination: Pagination


class Purchase(Body):
    """A package of `/billing/packages`; an agency buys `credits` for its pool."""

    model_config = one_of(package_id="string", credits="integer")

    package_id: UUID | None = None
    credits: int | None = Field(None, ge=1, le=10_000_000)
    email: Email = Field(description="Where the receipt goes.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Purchase:
        if (self.package_id is None) == (self.credits is None):
            raise ValueError("Give `package_id` or `credits`.")
        return self


class Code(Body):
    code: str = Field(min_length=1, max_length=40)


class CardPage(BaseModel):
    """Stripe's own page about cards and invoices; a person opens it within minutes."""

    url: str


class Redeemed(BaseModel):
    success: bool
    credits: str


def payment_json(row: Payment) -> dict[str, Any]:
    is_open = row.status == Payment.Status.OPEN
    return {name: getattr(row, name, None) for name in PaymentJson.model_fields} | {
        "name": row.terms.get("name", ""),
        "receipt_number": row.receipt_number or None,
        "checkout_url": (row.checkout_url or None) if is_open else None,
    }


@router.get("/payments", response=Payments)
@api_requires(Permission.BILLING_READ)
def list_payments(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Every payment of the organization, newest first."""
    rows = Payment.objects.filter(organization=request.organization)
    found = rows.order_by("-created_at", "-pk")
    page = found[wanted.offset : wanted.offset + wanted.limit]
    return {
        "payments": [payment_json(row) for row in page],
        "pagination": pagination(wanted, rows.count()),
    }


@router.get("/payments/{uuid:payment_id}", response=OnePayment)
@api_requires(Permission.BILLING_READ)
def read_payment(request: KeyRequest, payment_id: UUID) -> dict[str, Any]:
    """One payment, as far as it is known to have come."""
    return {"payment": payment_json(_payment(request, payment_id))}


@router.post("/payments", response={201: OnePayment})
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def begin_payment(
    request: KeyRequest, wanted: Annotated[Purchase, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Begin to buy; a person pays at `checkout_url`, which is null until Stripe answers.

    The same again, while it is not paid, is the same payment.
    """
    organization = request.organization
    payment = checkout.open_payment(
        payer=organization, order=_order(organization, wanted), actor=None
    )
    try:
        checkout.checkout_url(payment.pk)
    except PaymentUnknown:
        pass  # the attempt is kept, and the same request asks Stripe again
    except PaymentRefused as error:
        raise InvalidRequest(str(error)) from error
    return Status(201, {"payment": payment_json(_payment(request, payment.pk))})


@router.post("/card", response=CardPage)
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def open_card_page(request: KeyRequest) -> dict[str, str]:
    """Get the address where a person changes the saved card, and reads invoices."""
    try:
        return {"url": cards.portal_address(request.organization)}
    except PaymentRefused as error:
        raise Conflict(str(error)) from error
    except PaymentUnknown as error:
        raise InvalidRequest(
            "Stripe did not answer. Try again in a moment.",
            code="provider_unreachable",
        ) from error


@router.post("/coupons", response=Redeemed)
@api_requires(Permission.BILLING_BUY, needs_live_key=True)
def redeem_code(request: KeyRequest, wanted: Code) -> dict[str, Any]:
    """Turn a code into credits."""
    try:
        entry = redeem_coupon(
            client=request.organization,
            code=wanted.code,
            now=timezone.now(),
            actor=None,
        )
    except CouponRefused as refusal:
        raise InvalidRequest(str(refusal), param="code") from refusal
    return {
        "success": True,
        "credits": format_credits(entry.details["amount_microcredits"]),
    }


def _order(organization: Organization, wanted: Purchase) -> checkout.Order:
    if wanted.package_id is not None:
        package = shop.offered_package(organization, wanted.package_id)
        if package is None:
            raise InvalidRequest("There is no such package.", param="package_id")
        return checkout.order_of(package, Payment.Purpose.PACKAGE, wanted.email)
    if not organization.is_agency or wanted.credits not in shop.POOL_SIZES:
        sizes = ", ".join(map(str, shop.POOL_SIZES))
        raise InvalidRequest(
            f"Only an agency buys credits for its pool: {sizes}.", param="credits"
        )
    return shop.pool_order_of(wanted.credits, wanted.email)


def _payment(request: KeyRequest, payment_id: UUID) -> Payment:
    row = Payment.objects.filter(
        pk=payment_id, organization=request.organization
    ).first()
    if row is None:
        raise Http404("No such payment.")
    return row
