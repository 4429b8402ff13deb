"""Celery's doors into this app; each calls one service."""

from __future__ import annotations

from celery import shared_task

from calls.models import Call
from calls.services import finish, nodes, recordings
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
