"""Billing's doors for the worker: ids in, nothing out."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from billing import alerts, holds, lots, offers, reconciliation
from billing.payments import clearing, events, recharging, renewals, sweeping

logger = logging.getLogger(__name__)


@shared_task
def release_expired_holds() -> None:
    """Give back the credits of calls that nobody keeps alive any more."""
    holds.release_expired_holds(timezone.now())


@shared_task
def expire_lots() -> None:
    """Post the expiry of credits whose time is over."""
    lots.expire_lots(timezone.now())


@shared_task
def give_credits() -> None:
    """Give trial credits to new clients, and this month's free minutes."""
    now = timezone.now()
    offers.give_trials(now)
    offers.give_free_minutes(now)


@shared_task
def handle_stripe_event(event_id: str) -> None:
    """Look at the payment an event of Stripe is about."""
    events.handle_event(UUID(event_id))


@shared_task
def sync_payments() -> None:
    """Handle events whose task was lost, and look at payments nobody told us about."""
    now = timezone.now()
    events.handle_due_events(now)
    sweeping.sync_due_payments(now)


@shared_task
def recharge_wallets() -> None:
    """Charge the saved card of those whose credits fell below their threshold."""
    recharging.recharge_due(timezone.now())


@shared_task
def renew_plans() -> None:
    """Charge the months of plans that begin now."""
    renewals.renew_due(timezone.now())


@shared_task
def watch_credits() -> None:
    """Tell those whose credits run low."""
    alerts.watch_credits(timezone.now())


@shared_task
def reconcile_books() -> None:
    """Check the books, also against Stripe; drift is told, and never mended."""
    found = reconciliation.reconcile()
    found += clearing.check_clearing(timezone.now())
    for drift in found:
        logger.error("the books do not agree", extra={"drift": str(drift)})
