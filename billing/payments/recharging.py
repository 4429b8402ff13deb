"""Buying credits by the saved card before they run out."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.alerts import tell_recharge_stopped
from billing.errors import PaymentError
from billing.ledger import wallet_balance
from billing.models import AutoRecharge, Payment
from billing.payments.checkout import Order, charge_saved_card, order_of, try_open
from billing.payments.recharge_rules import is_too_fast, spent_this_month
from common.edges import contained
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import Scope, all_organizations, scoped

logger = logging.getLogger(__name__)
SWEEP_BATCH: Final = 100


def recharge_due(now: datetime) -> int:
    """Charge everyone whose credits fell below their threshold; return how many tried.

    Any number may run at once: the database lets one top-up be in flight.
    """
    with all_organizations("a wallet runs low whoever owns it"):
        due = list(
            AutoRecharge.objects.filter(is_enabled=True, paused_reason="")
            .exclude(not_before__gt=now)
            .extra(  # a comparison between two tables that share no key
                where=[
                    "exists (select from billing_account w where w.organization_id ="
                    " billing_autorecharge.organization_id and w.kind = 'wallet' and"
                    " w.balance_microcredits < billing_autorecharge"
                    ".threshold_microcredits)"
                ]
            )
            .values_list("organization_id", "agency_id")[:SWEEP_BATCH]
        )
    tried = 0
    for organization_id, agency_id in due:
        one = {"organization": str(organization_id)}
        # One wallet must not keep the others from being filled.
        with contained(logger, "not recharged", organization=one["organization"]):
            try:
                with scoped(Scope(agency_id, None)):
                    tried += recharge(organization_id, now)
            except PaymentError as error:
                logger.warning("not recharged", extra={**one, "problem": str(error)})
    return tried


def recharge(organization_id: UUID, now: datetime) -> bool:
    """Charge one organization's card if it is due, allowed, and nothing is in flight."""
    recharge = AutoRecharge.objects.select_related(
        "organization__parent", "package"
    ).get(organization=organization_id)
    payer = recharge.organization
    balance = wallet_balance(payer)
    if balance.available >= recharge.threshold_microcredits:
        return False
    order = _order(recharge)
    if order is None or is_too_fast(recharge, now):
        return _pause(recharge, "too_fast" if order else "no_package", now)
    month = now.astimezone(ZoneInfo(payer.time_zone)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    cap = recharge.monthly_cap_cents
    in_flight = Payment.objects.filter(
        organization=payer,
        purpose=Payment.Purpose.RECHARGE,
        status__in=Payment.UNDECIDED,
    ).exists()
    payment = None if in_flight else try_open(payer=payer, order=order, actor=None)
    if payment is None:
        return False
    if cap and spent_this_month(recharge, month) > cap:
        Payment.objects.filter(pk=payment.pk, status=Payment.Status.OPEN).update(
            status=Payment.Status.EXPIRED,
            problem="Above the cap of the month.",
            decided_at=now,
            next_sync_at=None,
        )
        return _pause(recharge, "cap", now, until_month_end=month)
    charge_saved_card(payment.pk)
    return True


def _pause(
    recharge: AutoRecharge,
    reason: str,
    now: datetime,
    *,
    until_month_end: datetime | None = None,
) -> bool:
    values: dict[str, Any] = {"paused_reason": reason}
    if until_month_end is not None:
        # The cap is not a fault: the next month begins by itself.
        is_december = until_month_end.month == 12
        values = {
            "not_before": until_month_end.replace(
                year=until_month_end.year + is_december,
                month=1 if is_december else until_month_end.month + 1,
            )
        }
    AutoRecharge.objects.filter(pk=recharge.pk).update(**values)
    tell_recharge_stopped(recharge.organization, reason, now)
    return False


def _order(recharge: AutoRecharge) -> Order | None:
    email = ""
    if recharge.package is not None and recharge.package.is_offered:
        return order_of(recharge.package, Payment.Purpose.RECHARGE, email)
    if recharge.organization.is_agency and recharge.credits_microcredits > 0:
        return pool_order(
            recharge.credits_microcredits, Payment.Purpose.RECHARGE, email
        )
    return None


def pool_order(microcredits: int, purpose: Payment.Purpose, email: str) -> Order:
    """Return the order of an agency that buys credits of the platform by the piece."""
    millis = microcredits * settings.PLATFORM_CREDIT_EUR_MILLIS
    cents = -(-millis // (MICROCREDITS_PER_CREDIT * 10))
    credits = microcredits // MICROCREDITS_PER_CREDIT
    terms = {
        "name": f"{credits:,} credits",
        "credits_microcredits": microcredits,
        "bonus_microcredits": 0,
        "expires_days": None,
        "email": email,
    }
    return Order(purpose, cents, terms)
