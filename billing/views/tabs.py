"""The tabs above the pages about credits, and above those about selling."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.http import MemberRequest
from portal.permissions import Permission

_CREDITS = (
    (_("Statement"), "billing_statement", Permission.BILLING_READ),
    (_("Usage"), "usage", Permission.BILLING_READ),
    (_("Buy credits"), "billing_buy", Permission.BILLING_READ),
    (_("Payments"), "billing_payments", Permission.BILLING_READ),
    (_("Top-up and alerts"), "billing_recharge", Permission.BILLING_BUY),
)
_SELLING = (
    (_("Prices"), "selling_prices", Permission.BILLING_SELL),
    (_("Packages"), "selling_packages", Permission.BILLING_SELL),
    (_("Plans"), "selling_plans", Permission.BILLING_SELL),
    (_("Coupons and trials"), "selling_coupons", Permission.BILLING_SELL),
    (_("Credits by hand"), "selling_grants", Permission.BILLING_SELL),
    (_("Payments through Stripe"), "selling_stripe", Permission.BILLING_SELL),
)


def credit_tabs(request: MemberRequest, current: str) -> list[dict[str, Any]]:
    return _tabs(request, _CREDITS, current)


def selling_tabs(request: MemberRequest, current: str) -> list[dict[str, Any]]:
    return _tabs(request, _SELLING, current)


def _tabs(request: MemberRequest, rows: Any, current: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": reverse(name), "is_current": name == current}
        for label, name, right in rows
        if right in request.permissions
    ]
