"""What the voice node writes while a call goes on. Each function is one short transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistants.disclosure import sentence_for, with_disclosure
from assistants.key_places import Owner
from assistants.rendering import rendered_spec
from assistants.sovereignty import first_violation
from assistants.spec import AssistantSpec
from assistants.spec_secrets import opened
from billing.holds import extend_hold
from calls import lifecycle
from calls.models import Call, CallEvent, Turn
from calls.services.equipment import Equipment, equip
from calls.services.opening import FIRST_HOLD_S, HOLD_GRACE_S
from calls.services.own_settings import spec_of
from calls.services.unnaming import names_of
from calls.session.events import TurnSpoken
from calls.ways import way_fault
from calls.webhook_messages import LOADED, tell_of_status
from portal.policy import Policy
from portal.scope import Scope, all_organizations, scoped
from portal.sealed import ToSeal
from portal.services.privacy import policy_for


@dataclass(frozen=True)
class CallOrder:
    """What a node needs to know to hold a call."""

    call_id: UUID
    organization_id: UUID
    agency_id: UUID
    direction: str
    carrier: str
    caller_number: str
    callee_number: str
    spec: AssistantSpec
    policy: Policy = field(default_factory=Policy)
    refusal: str = ""  # why this call must not go on, when its policy forbids it
    dial_at: datetime | None = None
    person_zone: str = ""  # of somebody a campaign calls
    opt_out_digit: str = ""
    disclosure: str = ""  # what the first message begins with, to be proved
    trunk_id: UUID | None = None
    transfer_trunk_id: UUID | None = None
    known_names: frozenset[str] = frozenset()  # to be taken out of what is said
    equipment: Equipment = field(default_factory=Equipment, repr=False)

    @property
    def scope(self) -> Scope:
        return Scope(self.agency_id, self.organization_id)


def pick_up(*, call_id: UUID, node_id: UUID) -> CallOrder | None:
    """Take a call that was placed on this node, once; `None` when it is not ours to take."""
    now = timezone.now()
    with all_organizations("the order says which organization the call belongs to"):
        taken = Call.objects.filter(
            pk=call_id,
            node_id=node_id,
            picked_up_at__isnull=True,
            status=Call.Status.CONNECTING,
        ).update(
            picked_up_at=now,
            heartbeat_at=now,
            lease_until=now + timedelta(seconds=settings.CALL_LEASE_S),
        )
        if not taken:
            return None
        call = Call.objects.select_related(*LOADED, "trunk").get(pk=call_id)
        return order_of(call)


def order_of(call: Call) -> CallOrder:
    """Return what a node needs to know of a call as it is now; the caller is in scope."""
    spec = rendered_spec(
        spec_of(call),
        variables=call.variables,
        overrides=call.overrides,
        is_outbound=call.direction == Call.Direction.OUTBOUND,
    )
    policy = _policy_of(call, spec)
    spec = opened(spec, _sealed_for(call))
    equipment = equip(call, spec)
    refusal = _refusal_of(call, spec, policy)
    disclosure = sentence_for(spec) if policy.discloses_ai else ""
    return CallOrder(
        call_id=call.pk,
        organization_id=call.organization_id,
        agency_id=call.agency_id,
        direction=call.direction,
        carrier=call.carrier,
        caller_number=call.caller_number,
        callee_number=call.callee_number,
        spec=with_disclosure(spec, disclosure) if disclosure else spec,
        policy=policy,
        refusal=refusal,
        dial_at=call.dial_at,
        person_zone=call.metadata.get("person_zone", ""),
        opt_out_digit=call.metadata.get("opt_out_digit", ""),
        disclosure=disclosure,
        known_names=names_of(call, policy),
        trunk_id=call.trunk_id,
        transfer_trunk_id=(call.number and call.number.transfer_trunk_id)
        or call.trunk_id,
        equipment=equipment,
    )


def _refusal_of(call: Call, spec: AssistantSpec, policy: Policy) -> str:
    """Return why the call must not go on under its policy; empty when it may."""
    owner = Owner(call.agency_id, call.organization_id)
    if fault := first_violation(spec, policy, owner):
        return fault.message
    if call.direction == Call.Direction.WEB:
        return ""
    return way_fault(call.carrier, call.trunk, policy)


def _sealed_for(call: Call) -> UUID:
    """Return whose secrets the call's settings hold: its own, or its assistant's owner's."""
    if "spec" in call.overrides or call.version is None:
        return call.organization_id
    return call.version.organization_id


def _policy_of(call: Call, spec: AssistantSpec) -> Policy:
    """Return what holds for the call; written down before a word is, when none is kept."""
    policy = policy_for(call.agency_id, call.organization_id)
    if spec.gdpr_mode:
        policy = replace(policy, gdpr_mode=True)
    if policy.gdpr_mode:
        Call.objects.filter(pk=call.pk).update(keeps_content=False)
    return policy


def waiting_calls(*, node_id: UUID, direction: Call.Direction | None) -> list[UUID]:
    """Return calls of a direction, or of any, placed on this node and not picked up."""
    with all_organizations("a node carries calls of many organizations"):
        waiting = Call.objects.filter(
            node_id=node_id,
            status=Call.Status.CONNECTING,
            picked_up_at__isnull=True,
        )
        if direction is not None:
            waiting = waiting.filter(direction=direction)
        return list(waiting.values_list("pk", flat=True))


def mark_ringing(*, order: CallOrder) -> bool:
    with scoped(order.scope):
        return lifecycle.move(order.call_id, Call.Status.RINGING)


def mark_connected(*, order: CallOrder, setup_ms: int) -> bool:
    """Audio flows: the call is in progress and its seconds count from now.

    Returns whether it is in progress, also when an earlier try made the move.
    """
    now = timezone.now()
    with scoped(order.scope), transaction.atomic():
        moved = lifecycle.move(
            order.call_id,
            Call.Status.IN_PROGRESS,
            started_at=now,
            heartbeat_at=now,
            setup_ms=setup_ms,
        )
        if moved:
            tell_of_status(Call.objects.select_related(*LOADED).get(pk=order.call_id))
        in_progress = Call.objects.filter(
            pk=order.call_id, status=Call.Status.IN_PROGRESS
        )
        return moved or in_progress.exists()


def record_turn(
    *,
    order: CallOrder,
    index: int,
    turn: TurnSpoken,
    usage: Mapping[str, Any] | None = None,
) -> None:
    """Store one turn; a repeated index changes nothing.

    `usage` is what the models used until then: all there is to bill of a call whose
    voice process is lost.
    """
    timing = turn.timing
    text = turn.text.replace("\x00", "")  # PostgreSQL cannot store it
    with scoped(order.scope):
        Turn.objects.bulk_create(
            [
                Turn(
                    organization_id=order.organization_id,
                    agency_id=order.agency_id,
                    call_id=order.call_id,
                    index=index,
                    speaker=turn.speaker,
                    text=ToSeal(text) if order.policy.seals_content else text,
                    started_ms=max(0, turn.started_ms),
                    ended_ms=max(0, turn.ended_ms),
                    is_interrupted=turn.is_interrupted,
                    response_ms=timing.response_ms if timing else None,
                    endpointing_ms=timing.endpointing_ms if timing else None,
                    stt_ms=timing.stt_ms if timing else None,
                    llm_ms=timing.llm_ms if timing else None,
                    tts_ms=timing.tts_ms if timing else None,
                    transport_ms=timing.transport_ms if timing else None,
                )
            ],
            ignore_conflicts=True,
        )
        if usage is not None:
            Call.objects.filter(pk=order.call_id, status__in=Call.LIVE).update(
                usage=dict(usage)
            )


def record_event(
    *,
    order: CallOrder,
    event_id: UUID,
    kind: str,
    data: dict[str, Any],
    at_ms: int | None = None,
) -> None:
    """Store something that happened beside the turns: a tool call, a vendor's trouble.

    A repeated id changes nothing.
    """
    data, content = without_nul(data), {}
    if order.policy.seals_content:
        content = {key: data.pop(key) for key in CallEvent.CONTENT if key in data}
    with scoped(order.scope):
        CallEvent.objects.bulk_create(
            [
                CallEvent(
                    pk=event_id,
                    organization_id=order.organization_id,
                    agency_id=order.agency_id,
                    call_id=order.call_id,
                    kind=kind,
                    at=timezone.now(),
                    at_ms=at_ms,
                    data=data,
                    content_json=ToSeal(json.dumps(content)) if content else "",
                )
            ],
            ignore_conflicts=True,
        )


def without_nul(data: Any) -> Any:
    """Return JSON without the one character that PostgreSQL cannot store."""
    if isinstance(data, str):
        return data.replace("\x00", "")
    if isinstance(data, dict):
        return {without_nul(key): without_nul(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_nul(value) for value in data]
    return data


def cover_seconds(*, order: CallOrder, total_seconds: int) -> int:
    """Hold credits so that the call is paid for up to `total_seconds`; return what is covered."""
    with scoped(order.scope):
        return extend_hold(
            call_id=order.call_id,
            total_seconds=total_seconds,
            expires_at=timezone.now()
            + timedelta(seconds=settings.CALL_LEASE_S + HOLD_GRACE_S + FIRST_HOLD_S),
        )
