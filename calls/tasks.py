"""Celery's doors into this app; each calls one service."""

from __future__ import annotations

from celery import shared_task

from calls.services import finish, nodes


@shared_task
def sweep_lost_calls() -> None:
    """Every few seconds: end calls whose voice process is gone."""
    finish.sweep_lost_calls()
    nodes.forget_dead_nodes()
