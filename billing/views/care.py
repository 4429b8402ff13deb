"""Automatic top-up, and who is told when credits run low."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing.alerts import outlook_of, watch_of
from billing.ledger import wallet_balance
from billing.models import AutoRecharge, StripeCustomer
from billing.payments import shop
from billing.selling import save_recharge, save_watch
from billing.selling_forms import RechargeForm, WatchForm
from billing.views.tabs import credit_tabs
from common.cash import format_cents
from common.money import MICROCREDITS_PER_CREDIT, format_credits
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.sudo import sudo


@require_http_methods(["GET", "POST"])
@requires(Permission.BILLING_BUY)
@sudo
def billing_recharge(request: MemberRequest) -> HttpResponse:
    """When credits are bought by themselves."""
    organization = request.organization
    recharge = AutoRecharge.objects.filter(organization=organization).first()
    form = RechargeForm(
        request.POST or None,
        packages=_choices(organization),
        initial=_recharge_initial(recharge),
    )
    if request.method == "POST" and form.is_valid():
        save_recharge(
            organization=organization, values=_values(form), actor=request.user
        )
        messages.success(request, _("Saved."))
        return redirect("billing_recharge")
    return _page(request, recharge, form, _watch_form(organization, None))


@require_POST
@requires(Permission.BILLING_BUY)
def billing_watch(request: MemberRequest) -> HttpResponse:
    """Who is told when credits run low, and when."""
    organization = request.organization
    form = _watch_form(organization, request.POST)
    if form.is_valid():
        data = form.cleaned_data
        save_watch(
            organization=organization,
            values={
                "level_microcredits": data["level"],
                "days_left": data["days_left"],
                "mail_to": data["mail_to"],
                "unpaid_message": data["unpaid_message"],
            },
            actor=request.user,
        )
        messages.success(request, _("Saved."))
        return redirect("billing_recharge")
    recharge = AutoRecharge.objects.filter(organization=organization).first()
    recharge_form = RechargeForm(
        packages=_choices(organization), initial=_recharge_initial(recharge)
    )
    return _page(request, recharge, recharge_form, form)


def _page(
    request: MemberRequest,
    recharge: AutoRecharge | None,
    form: RechargeForm,
    watch_form: WatchForm,
) -> HttpResponse:
    organization = request.organization
    context = {
        "tabs": credit_tabs(request, "billing_recharge"),
        "form": form,
        "watch_form": watch_form,
        "recharge": recharge,
        "card": StripeCustomer.objects.exclude(payment_method_id="").first(),
        "balance": wallet_balance(organization),
        "outlook": outlook_of(organization, timezone.now()),
    }
    status = 422 if form.errors or watch_form.errors else 200
    return render(request, "billing/recharge.html", context, status=status)


def _watch_form(organization: Organization, data: Any) -> WatchForm:
    watch = watch_of(organization)
    return WatchForm(
        data,
        prefix="watch",
        initial={
            "level": format_credits(watch.level_microcredits, places=0),
            "days_left": watch.days_left,
            "mail_to": watch.mail_to,
            "unpaid_message": watch.unpaid_message,
        },
    )


def _choices(organization: Organization) -> list[tuple[str, str]]:
    found = shop.open_shop(organization)
    return [
        ("", _("Choose what to buy")),
        *(
            (ware.id, f"{ware.name} · {format_cents(ware.total_cents, found.currency)}")
            for ware in found.wares
        ),
    ]


def _recharge_initial(recharge: AutoRecharge | None) -> dict[str, Any]:
    if recharge is None:
        return {}
    cap = recharge.monthly_cap_cents
    chosen = str(recharge.package_id or "")
    if recharge.credits_microcredits:
        chosen = str(recharge.credits_microcredits // MICROCREDITS_PER_CREDIT)
    return {
        "is_enabled": recharge.is_enabled,
        "threshold": format_credits(recharge.threshold_microcredits, places=0),
        "package": chosen,
        "monthly_cap": f"{cap / 100:.2f}" if cap else "",
    }


def _values(form: RechargeForm) -> dict[str, Any]:
    data = form.cleaned_data
    by_piece = data["package"] if form.package_id is None else ""
    return {
        "is_enabled": data["is_enabled"],
        "threshold_microcredits": data["threshold"],
        "package_id": form.package_id,
        "credits_microcredits": int(by_piece or 0) * MICROCREDITS_PER_CREDIT,
        "monthly_cap_cents": data["monthly_cap"],
    }
