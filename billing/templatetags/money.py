"""Amounts of money, and the banner of a wallet that runs low."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from billing.models import CreditWatch
from common.cash import format_cents

register = template.Library()


@register.filter
def cents(amount: int, currency: str = "eur") -> str:
    """Print an amount of the currency."""
    return format_cents(int(amount), currency)


@register.inclusion_tag("billing/low_credits.html", takes_context=True)
def low_credits(context: Context) -> dict[str, Any]:
    """Draw what `billing.alerts` told last, until it is better; costs one query."""
    organization = context.get("organization")
    rights = context.get("rights") or {}
    told = ""
    if organization is not None and rights.get("billing_read"):
        found = CreditWatch.objects.filter(organization=organization)
        told = found.values_list("told", flat=True).first() or ""
    return {"told": told, "can_buy": rights.get("billing_buy", False)}
