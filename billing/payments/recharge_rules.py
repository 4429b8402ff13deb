"""When an automatic top-up may charge the card, and what its outcome changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from billing.models import AutoRecharge, Payment

FIRST_BACK_OFF: Final = timedelta(hours=1)
MOST_DECLINES: Final = 4
TOO_MANY: Final = 3
TOO_FAST: Final = timedelta(minutes=10)


def is_too_fast(recharge: AutoRecharge, now: datetime) -> bool:
    """Whether the last ten minutes saw so many payments that a person must look."""
    recent = Payment.objects.filter(
        organization=recharge.organization_id,
        purpose=Payment.Purpose.RECHARGE,
        status=Payment.Status.PAID,
        created_at__gt=now - TOO_FAST,
    )
    return recent.count() >= TOO_MANY


def spent_this_month(recharge: AutoRecharge, month_start: datetime) -> int:
    """Return the cents of this month's top-ups, those that are pending counted."""
    found = Payment.objects.filter(
        organization=recharge.organization_id,
        purpose=Payment.Purpose.RECHARGE,
        status__in=[*Payment.UNDECIDED, Payment.Status.PAID],
        created_at__gte=month_start,
    )
    return sum(payment.total_cents for payment in found)


def after_payment(payment: Payment) -> None:
    """Forget earlier declines."""
    AutoRecharge.objects.filter(organization=payment.organization_id).update(
        declines=0, not_before=None
    )


def after_decline(payment: Payment) -> None:
    """Wait an hour, then twice as long each time; after four, until a person acts."""
    recharge = AutoRecharge.objects.filter(organization=payment.organization_id).first()
    if recharge is None:
        return
    recharge.declines += 1
    recharge.not_before = timezone.now() + FIRST_BACK_OFF * 2 ** (recharge.declines - 1)
    if recharge.declines >= MOST_DECLINES:
        recharge.paused_reason = "declined"
    recharge.save()
