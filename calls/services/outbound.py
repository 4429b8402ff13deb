"""Calls to a telephone number, placed through a carrier."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from assistants.models import Assistant
from calls import bus
from calls.models import Call, PhoneNumber, Trunk
from calls.services.guarding import check_destination
from calls.services.starting import NewCall, open_call
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
    check_destination(organization, destination)
    call = open_call(
        organization=organization,
        assistant=assistant,
        actor=actor,
        new=NewCall(
            call_id=call_id,
            direction=Call.Direction.OUTBOUND,
            carrier=number.carrier if number and not is_test else carrier,
            lease_s=PLACE_LEASE_S,
            number=number,
            trunk=number.trunk if number and not is_test else None,
            caller_number=shown_number(number),
            callee_number=destination,
            variables=dict(variables or {}),
            overrides=dict(overrides or {}),
            metadata=dict(metadata or {}),
            dial_at=dial_at,
            is_test=is_test,
        ),
    )
    if call.node_id is not None:
        node_id = call.node_id
        transaction.on_commit(
            lambda: bus.tell_node(node_id, "place", call_id), robust=True
        )
    return call


def shown_number(number: PhoneNumber | None) -> str:
    """Return what people see who are called from a number: by its trunk's rule."""
    if number is None:
        return ""
    trunk = number.trunk
    if trunk is not None and trunk.caller_id == Trunk.CallerId.OUTBOUND:
        return trunk.outbound_number or number.number
    return number.number
