"""The composition's doors for the worker."""

from __future__ import annotations

from celery import shared_task

from config.clients import managing


@shared_task
def erase_due_clients() -> None:
    """Erase the clients whose grace is over."""
    managing.erase_due_clients()
