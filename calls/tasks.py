"""Celery's doors into this app; each calls one service."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from calls.models import Call
from calls.services import (
    analysing,
    finish,
    nodes,
    recordings,
    retention,
    trunk_checks,
    watching,
)
from portal.scope import all_organizations

# Two heartbeats and a bit: what a voice process needs to show that it lives.
SECOND_LOOK_S = 2.5


@shared_task
def sweep_lost_calls() -> None:
    """Every few seconds: end calls whose voice process is gone."""
    finish.sweep_lost_calls(second_look_after_s=SECOND_LOOK_S)
    nodes.forget_dead_nodes()


@shared_task
def encode_recording(*, call_id: str) -> None:
    """After a call: make its recording small."""
    with all_organizations("the id comes from our own queue"):
        call = Call.objects.filter(pk=call_id).first()
        if call is not None:
            recordings.encode_kept(call=call)


@shared_task(time_limit=3_600, soft_time_limit=3_500)
def apply_retention() -> None:
    """Every hour: delete what is over its time, and keep the proof."""
    retention.apply_retention(timezone.now())


@shared_task
def forget_private_calls() -> None:
    """Every minute: purge calls that keep nothing, once they were reported."""
    retention.forget_private_calls(timezone.now())


@shared_task
def watch_for_fraud() -> None:
    """Every minute: tell agencies of calls that look like fraud."""
    watching.watch(timezone.now())


@shared_task
def check_trunk(*, trunk_id: str) -> None:
    """When a person asks: try a trunk and keep what was seen."""
    trunk_checks.run_check(trunk_id=UUID(trunk_id))


@shared_task(soft_time_limit=240, time_limit=280)
def analyse_call(*, call_id: str) -> None:
    """After a call: find out what it was about, and report it."""
    analysing.analyse(call_id=UUID(call_id))


@shared_task(soft_time_limit=240, time_limit=280)
def analyse_due_calls() -> None:
    """Now and then: calls whose analysis waits for another try, or was left."""
    analysing.analyse_due()
