"""An agency's prices, packages, plans, coupons and its Stripe account."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing import selling
from billing.models import Coupon, CreditPackage, Mode, Plan, Price, TrialOffer
from billing.pricing import pool_tariff, set_price
from billing.selling_forms import (
    CouponForm,
    PackageForm,
    PlanForm,
    PriceForm,
    TrialForm,
)
from billing.views.tabs import selling_tabs
from common.money import format_credits
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.scope import agency_scope


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_SELL)
def selling_prices(request: MemberRequest) -> HttpResponse:
    """What clients pay for calls, what the agency pays itself, and every version."""
    agency = request.organization
    with agency_scope(agency.pk):
        clients = list(Organization.objects.filter(parent=agency))
        form = PriceForm(request.POST or None, clients=clients)
        if request.method == "POST" and form.is_valid():
            set_price(
                agency=agency,
                client=form.client_chosen(),
                microcredits_per_minute=form.cleaned_data["per_minute"],
                terms=form.terms(),
                effective_at=form.effective_at(agency.time_zone),
                actor=request.user,
            )
            messages.success(request, _("The price is set."))
            return redirect("selling_prices")
        prices = list(
            Price.objects.filter(organization=agency).select_related("client")[:200]
        )
    now = timezone.now()
    context = {
        "tabs": selling_tabs(request, "selling_prices"),
        "form": form,
        "prices": prices,
        "now": now,
        "pool": [
            (mode.label, pool_tariff(agency.pk, now, "", mode)) for mode in Mode if mode
        ],
    }
    return render(request, "selling/prices.html", context, status=_status(form))


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_SELL)
def selling_packages(request: MemberRequest) -> HttpResponse:
    """The packages clients can buy."""
    agency = request.organization
    form = PackageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        selling.add_package(
            agency=agency,
            values={
                "name": data["name"],
                "credits_microcredits": data["credits"],
                "bonus_microcredits": data["bonus"],
                "price_cents": data["price"],
                "expires_days": data["expires_days"],
            },
            actor=request.user,
        )
        messages.success(request, _("The package is on offer."))
        return redirect("selling_packages")
    context = {
        "tabs": selling_tabs(request, "selling_packages"),
        "form": form,
        "packages": CreditPackage.objects.filter(organization=agency),
    }
    return render(request, "selling/packages.html", context, status=_status(form))


@require_POST
@requires(Permission.BILLING_SELL)
def selling_package_offer(request: MemberRequest, package_id: UUID) -> HttpResponse:
    """Put a package on offer, or off."""
    done = selling.offer_package(
        agency=request.organization,
        package_id=package_id,
        is_offered=request.POST.get("offer") == "1",
        actor=request.user,
    )
    return _back(done, "selling_packages")


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_SELL)
def selling_plans(request: MemberRequest) -> HttpResponse:
    """The monthly plans clients can subscribe to."""
    agency = request.organization
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        selling.add_plan(
            agency=agency,
            values={
                "name": data["name"],
                "price_cents": data["price"],
                "included_minutes": data["included_minutes"],
                "microcredits_per_minute": data["per_minute"],
                "overage_limit_microcredits": data["overage_limit"],
                "overage_cents_per_credit": data["overage_price"],
            },
            actor=request.user,
        )
        messages.success(request, _("The plan is on offer."))
        return redirect("selling_plans")
    lasting = Q(subscriptions__status__in=["active", "past_due"])
    with agency_scope(agency.pk):
        plans = list(
            Plan.objects.filter(organization=agency).annotate(
                subscribers=Count("subscriptions", filter=lasting)
            )
        )
    context = {
        "tabs": selling_tabs(request, "selling_plans"),
        "form": form,
        "plans": plans,
    }
    return render(request, "selling/plans.html", context, status=_status(form))


@require_POST
@requires(Permission.BILLING_SELL)
def selling_plan_offer(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Put a plan on offer, or off."""
    done = selling.offer_plan(
        agency=request.organization,
        plan_id=plan_id,
        is_offered=request.POST.get("offer") == "1",
        actor=request.user,
    )
    return _back(done, "selling_plans")


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_SELL)
def selling_coupons(request: MemberRequest) -> HttpResponse:
    """Codes for credits, and what new clients get."""
    agency = request.organization
    form = CouponForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _add_coupon(request, form):
        messages.success(request, _("The code can be used."))
        return redirect("selling_coupons")
    return _coupons_page(request, form, _trial_form(agency, None))


@require_POST
@requires(Permission.BILLING_SELL)
def selling_trial(request: MemberRequest) -> HttpResponse:
    """Set what every new client gets to try with."""
    form = _trial_form(request.organization, request.POST)
    if not form.is_valid():
        return _coupons_page(request, CouponForm(), form)
    selling.offer_trial(
        agency=request.organization,
        microcredits=form.cleaned_data["credits"],
        expires_days=form.cleaned_data["expires_days"],
        now=timezone.now(),
        actor=request.user,
    )
    messages.success(request, _("Saved. It holds for clients that begin from now on."))
    return redirect("selling_coupons")


@require_POST
@requires(Permission.BILLING_SELL)
def selling_coupon_switch(request: MemberRequest, coupon_id: UUID) -> HttpResponse:
    """Let a code be used, or no more."""
    done = selling.switch_coupon(
        agency=request.organization,
        coupon_id=coupon_id,
        is_active=request.POST.get("offer") == "1",
        actor=request.user,
    )
    return _back(done, "selling_coupons")


def _add_coupon(request: MemberRequest, form: CouponForm) -> bool:
    data = form.cleaned_data
    agency = request.organization
    until = data["valid_until"]
    try:
        with transaction.atomic():
            selling.add_coupon(
                agency=agency,
                values={
                    "code": data["code"],
                    "microcredits": data["credits"],
                    "expires_days": data["expires_days"],
                    "valid_until": datetime.combine(
                        until + timedelta(days=1), time.min, ZoneInfo(agency.time_zone)
                    )
                    if until
                    else None,
                    "max_uses": data["max_uses"],
                },
                actor=request.user,
            )
    except IntegrityError:
        form.add_error("code", _("You have this code already."))
        return False
    return True


def _trial_form(agency: Organization, data: Any) -> TrialForm:
    offer = TrialOffer.objects.filter(organization=agency, is_active=True).first()
    initial = {
        "credits": format_credits(offer.microcredits, places=0) if offer else "0",
        "expires_days": offer.expires_days if offer else None,
    }
    return TrialForm(data, initial=initial, prefix="trial")


def _coupons_page(
    request: MemberRequest, form: CouponForm, trial_form: TrialForm
) -> HttpResponse:
    context = {
        "tabs": selling_tabs(request, "selling_coupons"),
        "form": form,
        "trial_form": trial_form,
        "coupons": Coupon.objects.filter(organization=request.organization),
    }
    status = 422 if form.errors or trial_form.errors else 200
    return render(request, "selling/coupons.html", context, status=status)


def _status(form: Any) -> int:
    return 422 if form.errors else 200


def _back(done: bool, name: str) -> HttpResponse:
    if not done:
        raise Http404
    return redirect(name)
