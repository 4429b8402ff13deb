"""Steering a call that is going on, from the portal or the API."""

from __future__ import annotations

from django.db import transaction

from calls import bus
from calls.errors import CallNotActive
from calls.models import Call
from calls.queries import is_with_a_person
from calls.services.transfers import checked_destination
from calls.session.events import EndReason
from calls.telephony.digits import checked_digits
from common.phone import mask
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


def say(
    *, call: Call, text: str, end_after: bool = False, actor: User | None = None
) -> None:
    """Let the assistant say this, word for word."""
    _require_assistant(call)
    _record(call, actor, "call.words_given")
    _tell(call, "say", {"text": text, "end_after": end_after})


def inject_context(
    *,
    call: Call,
    content: str,
    trigger_response: bool = False,
    actor: User | None = None,
) -> None:
    """Tell the assistant something the caller does not hear."""
    _require_assistant(call)
    _record(call, actor, "call.context_given")
    _tell(call, "inject", {"content": content, "respond": trigger_response})


def transfer(
    *, call: Call, destination: str, message: str = "", actor: User | None
) -> str:
    """Hand the caller on, as soon as the message is said; return where to.

    Raises `TransferNotPossible` for what is no destination. What becomes of the try is
    a row of the call, and the assistant is told when it fails.
    """
    _require_assistant(call)
    target = checked_destination(destination, near=call.callee_number)
    asked_by = "person" if actor else "api"
    _record(call, actor, "call.transferred", destination=mask(target))
    _tell(
        call,
        "transfer",
        {"destination": target, "message": message, "asked_by": asked_by},
    )
    return target


def send_digits(*, call: Call, digits: str, actor: User | None) -> None:
    """Press keys on the line; raises `ValueError` for what is no key."""
    _require_in_progress(call)
    keys = checked_digits(digits)
    if call.direction == Call.Direction.WEB:
        raise CallNotActive
    _record(call, actor, "call.keys_pressed", digits=len(keys))
    _tell(call, "digits", {"digits": keys})


def set_quiet(*, call: Call, is_quiet: bool, actor: User | None) -> None:
    """Let the assistant neither speak nor listen, or go on as before."""
    _require_assistant(call)
    _record(call, actor, "call.muted" if is_quiet else "call.unmuted")
    _tell(call, "quiet", {"quiet": is_quiet})


def _record(call: Call, actor: User | None, action: str, **changes: object) -> None:
    audit.record(
        organization=call.organization,
        actor=actor,
        action=action,
        target=call,
        changes=changes,
    )


def _require_in_progress(call: Call) -> None:
    if call.status != Call.Status.IN_PROGRESS:
        raise CallNotActive


def _require_assistant(call: Call) -> None:
    """Raise `CallNotActive` where nobody would do it: a person has taken the caller."""
    _require_in_progress(call)
    if is_with_a_person(call):
        raise CallNotActive


def _tell(call: Call, command: str, data: dict[str, object]) -> None:
    if call.node_id is not None:
        node_id = call.node_id
        transaction.on_commit(
            lambda: bus.tell_node(node_id, command, call.pk, data), robust=True
        )
