"""Handing callers on: what may be tried, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_noop

from assistants.handovers import Handover
from assistants.tool_shapes import TransferCallTool
from calls.errors import CallError, DestinationRefused
from calls.models import Call, PhoneNumber, Transfer, Trunk
from calls.services.guarding import check_destination
from calls.services.outbound import shown_number
from calls.services.pace import PATIENCE_S, line_on, take_moments
from calls.services.running import CallOrder
from calls.services.trunks import free_channels
from calls.trunk_rules import region_of
from calls.ways import way_fault
from common.ids import uuid7
from common.phone import InvalidNumber, parse_number
from common.redaction import redact
from portal.models import Organization
from portal.scope import scoped
from portal.sealed import ToSeal

LONGEST_EXTENSION: Final = 5  # digits of a telephone behind somebody's own exchange


class Failure(StrEnum):
    """Why a caller could not be handed on; stored, shown, and told to the model."""

    BAD_DESTINATION = "bad_destination"
    NOT_ALLOWED = "not_allowed"
    REGION = "region"
    NO_TRUNK = "no_trunk"
    TRUNK_FULL = "trunk_full"  # every channel is in use, or too many calls start now
    REFUSED = "refused"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"  # the person pressed 2
    NOT_ACCEPTED = "not_accepted"  # no key: a voicemail, or nobody listening
    CALLER_LEFT = "caller_left"
    FAILED = "failed"


# What the assistant is told, to tell the caller in its own words.
WORDS: Final[dict[Failure, str]] = {
    Failure.BAD_DESTINATION: gettext_noop(
        "This is no number or address that can be called."
    ),
    Failure.NOT_ALLOWED: "This number may not be called.",
    Failure.REGION: "The privacy policy keeps callers from being put through there.",
    Failure.NO_TRUNK: "There is no trunk for calls out, so nobody can be reached.",
    Failure.TRUNK_FULL: "All lines out are in use.",
    Failure.REFUSED: "The other side turned the call away.",
    Failure.BUSY: "The line is busy.",
    Failure.NO_ANSWER: "Nobody answered.",
    Failure.DECLINED: "The person cannot take the call now.",
    Failure.NOT_ACCEPTED: "Nobody there took the call; it may have been a voicemail.",
    Failure.CALLER_LEFT: "The caller hung up.",
    Failure.FAILED: "The connection could not be made.",
}


class TransferNotPossible(CallError):
    """A transfer that is not even tried."""

    def __init__(self, failure: Failure, message: str = "") -> None:
        super().__init__(message or WORDS[failure])
        self.failure = failure


@dataclass(frozen=True)
class TransferPlan:
    """One try, checked and written down."""

    id: UUID
    kind: str
    destination: str
    carrier: str
    caller_id: str
    trunk_id: UUID | None
    brief: str = ""


def checked_destination(text: str, *, near: str = "") -> str:
    """Return a number in E.164 or a SIP address; `near` reads numbers as at home there."""
    text = text.strip()
    if text.lower().startswith(("sip:", "sips:")):
        # Nor headers, which whoever is asked to call would put into the request.
        if len(text) > 260 or any(c.isspace() or c in '<>"?' for c in text):
            raise TransferNotPossible(Failure.BAD_DESTINATION)
        return text
    try:
        return parse_number(text, region=region_of(near))
    except InvalidNumber as error:
        raise TransferNotPossible(Failure.BAD_DESTINATION, str(error)) from error


def dialled_number(target: str, *, near: str = "") -> str | None:
    """Return the telephone number that a checked destination stands for at a carrier.

    `sip:0900123@trunk.example` is one, whatever its host: the trunk decides where it
    goes. None for a name or an extension; raises `InvalidNumber` for digits that are
    neither.
    """
    if not target.lower().startswith(("sip:", "sips:")):
        return target
    user, at, _host = target.partition(":")[2].rpartition("@")
    digits = re.sub(r"[\s().\-/]", "", unquote(re.split("[;:]", user)[0]))
    if not at or not re.fullmatch(r"\+?\d+", digits):
        return None
    if len(digits) <= LONGEST_EXTENSION:
        return None
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    return parse_number(digits, region=region_of(near))


def plan_transfer(
    *, order: CallOrder, destination: str, brief: str, asked_by: str
) -> TransferPlan:
    """Check a transfer and write it down, or raise `TransferNotPossible`.

    One that may not be tried is written down too, with the reason.
    """
    values: dict[str, Any] = {
        "destination": destination[:260],
        "brief": _kept_brief(order, brief),
        "asked_by": asked_by,
        "kind": kind_of(order, destination),
    }
    with scoped(order.scope):
        try:
            way = _way_out(order)
            near = order.callee_number or way.caller_id
            target = checked_destination(destination, near=near)
            _check_allowed(order, target, way.trunk)
            _check_region(order, target, way)
        except TransferNotPossible as error:
            _keep(order, status=Transfer.Status.FAILED, reason=error.failure, **values)
            raise
        row = _keep(order, **(values | {"destination": target}))
        return TransferPlan(
            id=row.pk,
            kind=row.kind,
            destination=target,
            carrier=way.carrier,
            caller_id=way.caller_id,
            trunk_id=way.trunk.pk if way.trunk else None,
            brief=brief,
        )


def _kept_brief(order: CallOrder, brief: str) -> str:
    """Return what is kept of what a person is told about the caller."""
    policy = order.policy
    if policy.gdpr_mode:
        return ""
    kept = redact(brief, policy.redacted, order.known_names).text.replace("\x00", "")
    return ToSeal(kept) if policy.seals_content else kept


def take_line(*, order: CallOrder, plan: TransferPlan) -> datetime | None:
    """Take a channel of the trunk and a moment to dial; `None`: dial at once.

    The transfer rings from then on. It gives the channel back when it fails or its call
    ends, whoever ends it. Asked again it takes another moment and no second channel.
    Raises `TransferNotPossible` when there is none of either.
    """
    with scoped(order.scope), transaction.atomic():
        # The lock under which calls count a trunk's channels.
        Organization.objects.select_for_update(of=("self",), no_key=True).get(
            pk=order.organization_id
        )
        row = Transfer.objects.get(pk=plan.id)
        trunk = None
        if plan.trunk_id is not None:
            trunk = Trunk.objects.filter(pk=plan.trunk_id).first()
            if trunk is None:  # removed a moment ago
                raise TransferNotPossible(Failure.NO_TRUNK)
        dial_at = _moment_on(trunk, has_channel=row.trunk_id is not None)
        row.trunk, row.method = trunk, "bridge"
        row.status = Transfer.Status.RINGING
        row.save(update_fields=["trunk", "method", "status"])
        return dial_at


def _moment_on(trunk: Trunk | None, *, has_channel: bool) -> datetime | None:
    if trunk is None:
        return None
    if not has_channel and free_channels(trunk) <= 0:
        raise TransferNotPossible(Failure.TRUNK_FULL)
    moments = take_moments(
        line_on(trunk.carrier, trunk), 1, timezone.now(), horizon_s=PATIENCE_S
    )
    if not moments:
        raise TransferNotPossible(Failure.TRUNK_FULL)
    return moments[0]


def _keep(order: CallOrder, **values: Any) -> Transfer:
    now = timezone.now()
    if values.get("status") == Transfer.Status.FAILED:
        values["ended_at"] = now
    row = Transfer(
        pk=uuid7(),
        organization_id=order.organization_id,
        agency_id=order.agency_id,
        call_id=order.call_id,
        asked_at=now,
        **values,
    )
    Transfer.objects.bulk_create([row])
    return row


def kind_of(order: CallOrder, destination: str) -> str:
    """Return how the assistant's owner wants this destination reached; at once by default."""
    for tool in order.spec.llm_config.tools:
        if isinstance(tool, TransferCallTool):
            for known in tool.destinations:
                if known.number == destination and known.mode == "warm":
                    return Transfer.Kind.WARM
    return Transfer.Kind.BLIND


@dataclass(frozen=True)
class _WayOut:
    """How somebody is dialled: by which carrier and trunk, and what they see."""

    carrier: str
    trunk: Trunk | None
    caller_id: str


def _way_out(order: CallOrder) -> _WayOut:
    """Return the way of the call itself, or that of a number for a call in a browser."""
    if order.transfer_trunk_id is not None:
        trunk = Trunk.objects.filter(pk=order.transfer_trunk_id).first()
        carrier = trunk.carrier if trunk else order.carrier
        return _WayOut(carrier, trunk, _shown_number(order, trunk))
    if order.carrier == "sip":
        raise TransferNotPossible(Failure.NO_TRUNK)
    if order.direction != Call.Direction.WEB:
        return _WayOut(order.carrier, None, _shown_number(order, None))
    number = _number_for(order)
    if number is None:
        raise TransferNotPossible(Failure.NO_TRUNK)
    trunk = number.transfer_trunk or number.trunk
    carrier = trunk.carrier if trunk else number.carrier
    return _WayOut(carrier, trunk, shown_number(number))


def _number_for(order: CallOrder) -> PhoneNumber | None:
    """Return the number a browser's caller is handed on from: the assistant's own first."""
    assistant_id = (
        Call.objects.filter(pk=order.call_id)
        .values_list("assistant_id", flat=True)
        .first()
    )
    numbers = PhoneNumber.objects.filter(is_active=True).order_by("number")
    able = [
        number
        for number in numbers.select_related("trunk", "transfer_trunk")
        if (number.trunk is not None and number.trunk.is_active)
        or number.carrier == "simulator"
    ]
    return min(
        able,
        key=lambda number: (number.assistant_id != assistant_id, number.trunk is None),
        default=None,
    )


def _check_allowed(order: CallOrder, target: str, trunk: Trunk | None) -> None:
    if trunk is not None and not trunk.is_active:
        raise TransferNotPossible(Failure.NO_TRUNK)
    near = order.callee_number or order.caller_number
    organization = Organization.objects.get(pk=order.organization_id)
    try:
        number = dialled_number(target, near=near)
        if number is not None:
            check_destination(organization, number)
    except (DestinationRefused, InvalidNumber) as error:
        raise TransferNotPossible(Failure.NOT_ALLOWED, str(error)) from error


def _check_region(order: CallOrder, target: str, way: _WayOut) -> None:
    """Raise unless the call's policy lets the caller go there, and that way."""
    wanted = Handover(target)
    if not wanted.is_allowed(order.policy):
        raise TransferNotPossible(Failure.REGION, wanted.refusal)
    if fault := way_fault(way.carrier, way.trunk, order.policy):
        raise TransferNotPossible(Failure.REGION, fault)


def _shown_number(order: CallOrder, trunk: Trunk | None) -> str:
    if trunk is not None and trunk.caller_id == Trunk.CallerId.OUTBOUND:
        return trunk.outbound_number
    if order.direction == Call.Direction.INBOUND:
        return order.callee_number
    return order.caller_number


def close_transfers(call: Call, now: datetime) -> None:
    """End what a call that is over leaves open; a voice process may have died over it.

    One that is alive still says what became of its try, and that counts.
    """
    is_open = Q(status__in=Transfer.OPEN)
    Transfer.objects.filter(call=call, ended_at=None).update(
        ended_at=now,
        status=Case(
            When(is_open, then=Value(Transfer.Status.FAILED)), default=F("status")
        ),
        reason=Case(When(is_open, then=Value(Failure.FAILED)), default=F("reason")),
    )


def note_transfer(*, order: CallOrder, transfer_id: UUID, **changes: Any) -> None:
    """Write down how a try goes on: its status, method, reason; times come with it."""
    now = timezone.now()
    S = Transfer.Status
    times = {
        S.BRIEFING: "answered_at",
        S.BRIDGED: "bridged_at",
        S.DONE: "ended_at",
        S.FAILED: "ended_at",
    }
    if (field := times.get(changes.get("status", ""))) is not None:
        changes[field] = now
    if "detail" in changes:
        changes["detail"] = changes["detail"].replace("\x00", "")[:300]
    with scoped(order.scope):
        Transfer.objects.filter(pk=transfer_id).update(**changes)
