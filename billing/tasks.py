"""Billing's doors for the worker: ids in, nothing out."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from billing import holds, lots


@shared_task
def release_expired_holds() -> None:
    """Give back the credits of calls that nobody keeps alive any more."""
    holds.release_expired_holds(timezone.now())


@shared_task
def expire_lots() -> None:
    """Post the expiry of credits whose time is over."""
    lots.expire_lots(timezone.now())
