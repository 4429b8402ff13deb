"""Calls that come in: whose number it is, may it be answered, and why not.

A call to a number that nobody registered leaves no row, since it is nobody's. Any other
leaves one: taken, or turned away with the reason.

    unknown ──▶ no row, 404
    switched off, no assistant, suspended, no credits, limits or minutes used up,
    lines or voice process full
            ──▶ row: rejected, the reason, the number's message if it has one
    else    ──▶ row: connecting, credits held, a place on the node it came in to
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import transaction
from django.utils import timezone

from billing.alerts import unpaid_message
from billing.errors import NotEnoughCredits
from calls import bus, lifecycle
from calls.errors import (
    AssistantNotReady,
    CallRefused,
    CallsHalted,
    MinutesUsedUp,
    NoCapacity,
    OrganizationSuspended,
    RegionRefused,
    SpendingTooFast,
    TooManyCalls,
)
from calls.models import Call, CallEvent, PhoneNumber, Trunk
from calls.services.nodes import alive_nodes
from calls.services.opening import NewCall
from calls.services.running import CallOrder, pick_up
from calls.services.starting import open_call
from calls.session.events import EndReason
from calls.signals import call_ended
from calls.spoken import UNPAID, spoken
from calls.trunk_rules import read_number, region_of
from common.ids import uuid7
from common.phone import mask
from portal.models import Organization
from portal.scope import Scope, all_organizations, scoped
from portal.switching import speech_while_off

logger = logging.getLogger(__name__)

SIMULATED_CALLER: Final = "+31205550001"  # who answers and talks, see `callees`
RING_LEASE_S: Final = 20  # from the first ring until the node's heartbeat has the call


@dataclass(frozen=True)
class Caller:
    """What a carrier says of a call that came in."""

    carrier: str
    trunk_id: UUID | None
    reference: str
    caller: str
    called: str
    trunk_ids: tuple[UUID, ...] = ()  # all it may have come by, when it is not sure

    @property
    def call_id(self) -> UUID:
        """The same for the same call, however often the carrier shows it."""
        return uuid5(
            NAMESPACE_URL, f"call:{self.carrier}:{self.trunk_id}:{self.reference}"
        )


@dataclass(frozen=True)
class Taken:
    """The call may be answered."""

    order: CallOrder


@dataclass(frozen=True)
class TurnedAway:
    """The call may not be answered. `message` is said first, if there is one.

    `reason` is missing when the number is nobody's, `call_id` when there is no row.
    """

    reason: EndReason | None
    message: str = ""
    language: str = "en"
    call_id: UUID | None = None


def simulate_caller(*, number: PhoneNumber, caller: str = SIMULATED_CALLER) -> UUID:
    """Have a simulated person call a number without a trunk; return the call's id.

    Raises `NoCapacity` when no voice process is there to be called.
    """
    node = alive_nodes().first()
    if node is None:
        raise NoCapacity
    reference = uuid7()
    bus.tell_node(
        node.pk, "call_in", reference, {"caller": caller, "called": number.number}
    )
    return Caller("simulator", None, str(reference), caller, number.number).call_id


def take_call(*, caller: Caller, node_id: UUID) -> Taken | TurnedAway | None:
    """Decide on a call and write the decision down; `None` when it is here already."""
    with all_organizations("the number says whose call it is"):
        number = find_number(caller)
    if number is None:
        logger.warning(
            "call to an unknown number",
            extra={"carrier": caller.carrier, "called": mask(caller.called)},
        )
        return TurnedAway(None)
    scope = Scope(number.agency_id, number.organization_id)
    with scoped(scope):
        if Call.objects.filter(pk=caller.call_id).exists():
            return None
        try:
            _open(number, caller, node_id)
        except (CallRefused, NotEnoughCredits) as error:
            return _turn_away(number, caller, _reason_of(error))
        except _Closed as closed:
            return _turn_away(number, caller, closed.reason)
    order = pick_up(call_id=caller.call_id, node_id=node_id)
    return Taken(order) if order is not None else None


def find_number(caller: Caller) -> PhoneNumber | None:
    """Return the number that was called, if this carrier and trunk may bring calls to it.

    A trunk brings calls to the numbers of its own organization only, whatever it says.
    """
    trunk = (
        Trunk.objects.filter(pk=caller.trunk_id).first() if caller.trunk_id else None
    )
    home = region_of(trunk.outbound_number) if trunk else None
    numbers = PhoneNumber.objects.select_related("assistant", "trunk", "organization")
    number = numbers.filter(number=read_number(caller.called, home)).first()
    if number is None and trunk is not None and home is None:
        # A trunk that writes numbers as at home, and says nowhere whose home.
        for other in numbers.filter(trunk=trunk):
            if read_number(caller.called, region_of(other.number)) == other.number:
                number = other
    if number is None or number.carrier != caller.carrier:
        return None
    return number if _may_bring(caller, trunk, number) else None


def _may_bring(caller: Caller, trunk: Trunk | None, number: PhoneNumber) -> bool:
    """Whether calls to this number may come the way this one did."""
    if number.trunk_id is None and trunk is None:
        return not caller.trunk_ids
    if number.trunk_id in (caller.trunk_id, *caller.trunk_ids):
        return True
    return trunk is not None and trunk.organization_id == number.organization_id


class _Closed(Exception):
    """The number does not answer just now."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


def _open(number: PhoneNumber, caller: Caller, node_id: UUID) -> None:
    if not number.is_active:
        raise _Closed(EndReason.NUMBER_INACTIVE)
    assistant = number.assistant
    if assistant is None:
        raise _Closed(EndReason.NO_ASSISTANT)
    open_call(
        organization=Organization.objects.get(pk=number.organization_id),
        assistant=assistant,
        actor=None,
        new=NewCall(
            call_id=caller.call_id,
            direction=Call.Direction.INBOUND,
            carrier=caller.carrier,
            lease_s=RING_LEASE_S,
            number=number,
            trunk=number.trunk,
            came_by=_other_trunk(number, caller),
            node_id=node_id,
            caller_number=_shown_caller(caller, number),
            callee_number=number.number,
        ),
    )


def _other_trunk(number: PhoneNumber, caller: Caller) -> Trunk | None:
    """Return the trunk a call came in by where it is not the number's own."""
    if caller.trunk_id in (None, number.trunk_id):
        return None
    return Trunk.objects.filter(pk=caller.trunk_id).first()


def _reason_of(error: CallRefused | NotEnoughCredits) -> EndReason:
    reasons: dict[type[Exception], EndReason] = {
        AssistantNotReady: EndReason.NO_ASSISTANT,
        OrganizationSuspended: EndReason.ORGANIZATION_SUSPENDED,
        CallsHalted: EndReason.ORGANIZATION_SUSPENDED,
        RegionRefused: EndReason.NO_ASSISTANT,
        SpendingTooFast: EndReason.SPENDING_LIMIT,
        MinutesUsedUp: EndReason.MINUTES_USED_UP,
        TooManyCalls: EndReason.TOO_MANY_CALLS,
        NoCapacity: EndReason.NO_CAPACITY,
        NotEnoughCredits: EndReason.INSUFFICIENT_CREDITS,
    }
    return reasons.get(type(error), EndReason.TOO_MANY_CALLS)


@transaction.atomic
def _turn_away(number: PhoneNumber, caller: Caller, reason: EndReason) -> TurnedAway:
    """Write down that a call was not taken, and why; nothing is held and nothing costs."""
    now = timezone.now()
    status = lifecycle.refused_status(reason)
    call = Call.objects.create(
        pk=caller.call_id,
        organization=number.organization,
        assistant=number.assistant,
        version=number.assistant.current_version if number.assistant else None,
        number=number,
        trunk=number.trunk,
        direction=Call.Direction.INBOUND,
        carrier=caller.carrier,
        status=status,
        end_reason=reason,
        caller_number=_shown_caller(caller, number),
        callee_number=number.number,
        ended_at=now,
        settled_at=now,
    )
    CallEvent.objects.create(
        organization=number.organization,
        call=call,
        kind="turned_away",
        at=now,
        data={"end_reason": str(reason), "message": message_for(number, reason)},
    )
    transaction.on_commit(
        lambda: call_ended.send_robust(
            sender=Call, call_id=call.pk, organization_id=call.organization_id
        ),
        robust=True,
    )
    return TurnedAway(
        reason,
        message=message_for(number, reason),
        language=_language_of(number),
        call_id=call.pk,
    )


def message_for(number: PhoneNumber, reason: EndReason) -> str:
    """Return what a caller hears who is turned away; empty: the network says so."""
    if reason in (EndReason.TOO_MANY_CALLS, EndReason.NO_CAPACITY):
        return number.busy_message
    if reason is EndReason.INSUFFICIENT_CREDITS:
        return (
            number.suspended_message
            or unpaid_message(number.organization_id)
            or spoken(UNPAID, _language_of(number))
        )
    if reason in (EndReason.MINUTES_USED_UP, EndReason.SPENDING_LIMIT):
        return number.suspended_message or spoken(UNPAID, _language_of(number))
    if reason is EndReason.ORGANIZATION_SUSPENDED:
        return speech_while_off(number.organization) or number.suspended_message
    return number.closed_message


def _language_of(number: PhoneNumber) -> str:
    version = number.assistant.current_version if number.assistant else None
    return version.spec.language if version else "en"


def _shown_caller(caller: Caller, number: PhoneNumber) -> str:
    """Return the caller's number in E.164; what is none, such as `anonymous`, is empty."""
    text = read_number(caller.caller, region_of(number.number))
    return text if text.startswith("+") else ""
