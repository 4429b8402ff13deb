"""Calls to a telephone number, placed through a carrier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from assistants.models import Assistant
from calls import bus
from calls.models import Call, PhoneNumber, Trunk
from calls.services.opening import NewCall
from calls.services.starting import Answer, Order, open_call, open_calls
from portal.models import Organization, User

PLACE_LEASE_S: Final = 20  # how long a node may take to pick the call up


def place_call(
    *,
    organization: Organization,
    assistant: Assistant | None,
    destination: str,
    call_id: UUID,
    actor: User | None,
    number: PhoneNumber | None = None,
    carrier: str = "simulator",
    variables: dict[str, Any] | None = None,
    overrides: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    dial_at: datetime | None = None,
    is_test: bool = False,
) -> Call:
    """Reserve credits and a place, store the call, and tell the node to dial.

    `destination` is E.164; `dial_at` is a moment of `calls.services.pace`, at which the
    node dials and not before. A test call is carried by the simulator, whatever its
    number is connected to. Idempotent by `call_id`, down to the carrier. The message
    to the node is a hint: a node also looks for calls that wait for it. Raises what
    `open_call` raises, and `DestinationRefused` for a number that may not be called.
    """
    call = open_call(
        organization=organization,
        assistant=assistant,
        actor=actor,
        new=outbound_call(
            call_id=call_id,
            destination=destination,
            number=number,
            carrier=carrier,
            variables=dict(variables or {}),
            overrides=dict(overrides or {}),
            metadata=dict(metadata or {}),
            dial_at=dial_at,
            is_test=is_test,
        ),
    )
    _tell_nodes([call])
    return call


def place_calls(*, organization: Organization, orders: Sequence[Order]) -> list[Answer]:
    """Place several calls of an organization together, as `open_calls` does."""
    answers = open_calls(organization=organization, orders=orders)
    _tell_nodes([answer for answer in answers if isinstance(answer, Call)])
    return answers


def outbound_call(
    *,
    call_id: UUID,
    destination: str,
    number: PhoneNumber | None,
    carrier: str = "simulator",
    is_test: bool = False,
    **values: Any,
) -> NewCall:
    """Return a call to a telephone number as it is before it starts."""
    return NewCall(
        call_id=call_id,
        direction=Call.Direction.OUTBOUND,
        carrier=number.carrier if number and not is_test else carrier,
        lease_s=PLACE_LEASE_S,
        number=number,
        trunk=number.trunk if number and not is_test else None,
        caller_number=shown_number(number),
        callee_number=destination,
        is_test=is_test,
        **values,
    )


def _tell_nodes(calls: list[Call]) -> None:
    """Tell each node, once, of the calls that wait for it."""
    by_node: dict[UUID, list[UUID]] = {}
    for call in calls:
        if call.node_id is not None:
            by_node.setdefault(call.node_id, []).append(call.pk)
    for node_id, (first, *others) in by_node.items():
        also = {"also": [str(call_id) for call_id in others]} if others else None
        transaction.on_commit(
            partial(bus.tell_node, node_id, "place", first, also), robust=True
        )


def shown_number(number: PhoneNumber | None) -> str:
    """Return what people see who are called from a number: by its trunk's rule."""
    if number is None:
        return ""
    trunk = number.trunk
    if trunk is not None and trunk.caller_id == Trunk.CallerId.OUTBOUND:
        return trunk.outbound_number or number.number
    return number.number
