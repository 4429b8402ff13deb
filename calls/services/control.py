"""Steering a call that is going on, from the portal or the API."""

from __future__ import annotations

from django.db import transaction

from calls import bus
from calls.errors import CallNotActive
from calls.models import Call
from calls.session.events import EndReason
from portal.models import User
from portal.services import audit


@transaction.atomic
def stop_call(*, call: Call, actor: User | None, message: str = "") -> None:
    """Ask for the end of a call. It is over within a heartbeat even if no message arrives."""
    asked = Call.objects.filter(pk=call.pk, status__in=Call.LIVE).update(
        stop_reason=EndReason.OPERATOR_HANGUP
    )
    if not asked:
        raise CallNotActive
    audit.record(
        organization=call.organization, actor=actor, action="call.stopped", target=call
    )
    _tell(call, "end", {"message": message})


def say(*, call: Call, text: str, end_after: bool = False) -> None:
    """Let the assistant say this, word for word."""
    _require_in_progress(call)
    _tell(call, "say", {"text": text, "end_after": end_after})


def inject_context(*, call: Call, content: str, trigger_response: bool = False) -> None:
    """Tell the assistant something the caller does not hear."""
    _require_in_progress(call)
    _tell(call, "inject", {"content": content, "respond": trigger_response})


def _require_in_progress(call: Call) -> None:
    if call.status != Call.Status.IN_PROGRESS:
        raise CallNotActive


def _tell(call: Call, command: str, data: dict[str, object]) -> None:
    if call.node_id is not None:
        node_id = call.node_id
        transaction.on_commit(
            lambda: bus.tell_node(node_id, command, call.pk, data), robust=True
        )
