"""Looking at payments and events that nobody told us about, or that were not handled."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from billing.errors import PaymentError, PaymentUnknown
from billing.models import Payment
from billing.payments.checkout import charge_saved_card
from billing.payments.syncing import sync_payment
from common.edges import contained
from portal.scope import all_organizations

logger = logging.getLogger(__name__)
SWEEP_BATCH: Final = 50
AGAIN_AFTER: Final = timedelta(minutes=5)


def sync_due_payments(now: datetime) -> int:
    """Look at the payments whose outcome is open; return how many were looked at.

    Webhooks get lost. Each is a hint; this is the certainty behind them.
    """
    with all_organizations("a payment is looked at whoever made it"):
        due = list(
            Payment.objects.filter(next_sync_at__lte=now)
            .order_by("next_sync_at")
            .values_list("pk", flat=True)[:SWEEP_BATCH]
        )
        for payment_id in due:
            # Claimed: of two sweepers one asks, and a failure waits for the next turn.
            claimed = Payment.objects.filter(
                pk=payment_id, next_sync_at__lte=now
            ).update(next_sync_at=now + AGAIN_AFTER)
            if claimed:
                _look_quietly(payment_id)
    return len(due)


def _look_quietly(payment_id: UUID) -> None:
    one = {"payment": str(payment_id)}
    # One payment must not keep the others from being looked at.
    with contained(logger, "payment not synced", payment=one["payment"]):
        try:
            _look(payment_id)
        except PaymentUnknown:
            logger.info("stripe did not answer", extra=one)
        except PaymentError:
            logger.warning("payment not synced", extra=one)


def _look(payment_id: UUID) -> None:
    payment = Payment.objects.get(pk=payment_id)
    is_by_card = payment.purpose != Payment.Purpose.PACKAGE
    if is_by_card and not payment.payment_intent_id and not payment.checkout_session_id:
        charge_saved_card(payment_id)  # the same key: it charges once, or tells us
    else:
        sync_payment(payment_id)
