"""Buying credits: packages, a plan, a code; and every payment so far."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import (
    PaymentError,
    PaymentRefused,
    PaymentsNotReady,
    PaymentUnknown,
)
from billing.ledger import wallet_balance
from billing.models import Payment, StripeCustomer, Subscription
from billing.offers import CouponRefused, redeem_coupon
from billing.payments import cards, checkout, renewals, shop
from billing.payments.syncing import sync_payment
from billing.receipts import receipt_pdf
from billing.views.tabs import credit_tabs
from common.local_numbers import local_credits
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sudo import sudo

Purpose = Payment.Purpose


@require_GET
@requires(Permission.BILLING_READ)
def billing_buy(request: MemberRequest) -> HttpResponse:
    """What can be bought, what it costs with tax, and the plan that is on."""
    organization = request.organization
    context = {
        "tabs": credit_tabs(request, "billing_buy"),
        "balance": wallet_balance(organization),
        "shop": shop.open_shop(organization),
        "can_buy": Permission.BILLING_BUY in request.permissions,
        "is_agency": organization.is_agency,
    }
    return render(request, "billing/buy.html", context)


@require_POST
@requires(Permission.BILLING_BUY)
def billing_buy_package(request: MemberRequest, package_id: UUID) -> HttpResponse:
    """Go to Stripe's page for a package."""
    package = shop.offered_package(request.organization, package_id)
    if package is None:
        raise Http404
    order = checkout.order_of(package, Purpose.PACKAGE, request.user.email)
    return _to_stripe(request, order)


@require_POST
@requires(Permission.BILLING_BUY)
def billing_buy_credits(request: MemberRequest, credits: int) -> HttpResponse:
    """Go to Stripe's page for credits of the platform; agencies only."""
    if not request.organization.is_agency or credits not in shop.POOL_SIZES:
        raise Http404
    order = shop.pool_order_of(credits, request.user.email)
    return _to_stripe(request, order)


@require_POST
@requires(Permission.BILLING_BUY)
def billing_buy_plan(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Go to Stripe's page for the first month of a plan."""
    plan = shop.offered_plan(request.organization, plan_id)
    if plan is None:
        raise Http404
    try:
        payment = renewals.subscribe(
            client=request.organization,
            plan=plan,
            email=request.user.email,
            actor=request.user,
        )
    except PaymentError as error:
        return _refused(request, error)
    return _pay(request, payment)


@require_POST
@requires(Permission.BILLING_BUY)
def billing_plan_leave(request: MemberRequest) -> HttpResponse:
    """Let the plan end with the month that is paid."""
    subscription = Subscription.objects.exclude(
        status=Subscription.Status.ENDED
    ).first()
    if subscription is None:
        raise Http404
    renewals.cancel_subscription(subscription=subscription, actor=request.user)
    messages.success(request, _("The plan ends with the month that is paid."))
    return redirect("billing_buy")


@require_POST
@requires(Permission.BILLING_BUY)
def billing_coupon(request: MemberRequest) -> HttpResponse:
    """Turn a code into credits."""
    try:
        entry = redeem_coupon(
            client=request.organization,
            code=request.POST.get("code", "")[:40],
            now=timezone.now(),
            actor=request.user,
        )
    except CouponRefused as refusal:
        messages.error(request, str(refusal))
    else:
        microcredits = entry.details["amount_microcredits"]
        messages.success(
            request,
            _("%(credits)s credits were added.")
            % {"credits": local_credits(microcredits)},
        )
    return redirect("billing_buy")


def _to_stripe(request: MemberRequest, order: checkout.Order) -> HttpResponse:
    try:
        payment = checkout.open_payment(
            payer=request.organization, order=order, actor=request.user
        )
    except PaymentError as error:
        return _refused(request, error)
    return _pay(request, payment)


def _pay(request: MemberRequest, payment: Payment) -> HttpResponse:
    try:
        return HttpResponseRedirect(checkout.checkout_url(payment.pk), status=303)
    except PaymentUnknown:
        # The attempt is kept: its own page asks again with the same key.
        return redirect("billing_payment", payment.pk)
    except PaymentError as error:
        return _refused(request, error)


def _refused(request: MemberRequest, error: PaymentError) -> HttpResponse:
    if isinstance(error, PaymentsNotReady):
        text = _("Nothing can be bought here yet. Ask for it, and try again later.")
    elif isinstance(error, PaymentRefused):
        text = str(error)
    else:
        text = _("Stripe did not answer. Try again in a moment.")
    messages.error(request, text)
    return redirect("billing_buy")


@require_GET
@requires(Permission.BILLING_READ)
def billing_payments(request: MemberRequest) -> HttpResponse:
    """Every payment with its receipt, and the saved card."""
    payments = Payment.objects.filter(organization=request.organization)
    context = {
        "tabs": credit_tabs(request, "billing_payments"),
        "payments": payments.exclude(status=Payment.Status.EXPIRED)[:100],
        "card": StripeCustomer.objects.exclude(payment_method_id="").first(),
        "can_buy": Permission.BILLING_BUY in request.permissions,
    }
    return render(request, "billing/payments.html", context)


@require_GET
@requires(Permission.BILLING_READ)
def billing_payment(request: MemberRequest, payment_id: UUID) -> HttpResponse:
    """One payment as it stands; where the browser comes back to from Stripe."""
    payment = _payment(payment_id)
    is_silent = False
    if payment.is_undecided:
        try:
            payment = sync_payment(payment.pk)
            if payment.status == Payment.Status.OPEN and not payment.checkout_url:
                checkout.checkout_url(payment.pk)
                payment = _payment(payment_id)
        except PaymentError:
            is_silent = True
    context = {
        "payment": payment,
        "is_silent": is_silent,
        "can_buy": Permission.BILLING_BUY in request.permissions,
    }
    template = "billing/payment.html"
    status = 200
    if request.htmx and not request.htmx.boosted:
        template += "#state"
        status = 200 if payment.is_undecided else 286
    return render(request, template, context, status=status)


@require_GET
@requires(Permission.BILLING_READ)
def billing_receipt(request: MemberRequest, payment_id: UUID) -> HttpResponse:
    """The receipt of a payment as PDF, in the seller's name."""
    payment = _payment(payment_id)
    if not payment.receipt_number:
        raise Http404
    name = f"receipt-{payment.receipt_number}.pdf"
    return HttpResponse(
        receipt_pdf(payment, request.portal),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@requires(Permission.BILLING_BUY)
@sudo
def billing_card(request: MemberRequest) -> HttpResponse:
    """Go to Stripe's own page about cards and invoices."""
    try:
        return HttpResponseRedirect(
            cards.portal_address(request.organization), status=303
        )
    except PaymentError as error:
        _refused(request, error)
    return redirect("billing_payments")


def _payment(payment_id: UUID) -> Payment:
    payment = (
        Payment.objects.select_related("organization").filter(pk=payment_id).first()
    )
    if payment is None:
        raise Http404
    return payment
