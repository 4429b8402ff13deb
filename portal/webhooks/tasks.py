"""Celery's doors into webhooks; each calls one service."""

from __future__ import annotations

import fcntl

from celery import shared_task
from django.conf import settings

from portal.webhooks import delivering, keeping


@shared_task
def deliver_due_webhooks() -> None:
    """Every second: send what is due.

    One process of a machine sends, and keeps looking while it waits for answers; slow
    receivers must not hold the other workers too. The lock goes with its process.
    """
    with (settings.VAR_DIR / "webhooks.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        delivering.deliver_due()


@shared_task
def forget_old_webhooks() -> None:
    """Every hour: forget events whose log nobody looks at any more."""
    keeping.forget_old_events()
