"""Ending a call, whoever notices first: status, bill, and the news, exactly once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from billing.holds import settle_call
from calls import bus, lifecycle
from calls.models import Call, CallEvent
from calls.services.analysing import plan_analysis
from calls.services.costing import settled_use
from calls.services.recordings import KeptRecording, attach_recording
from calls.services.transfers import close_transfers
from calls.session.events import EndReason
from calls.signals import call_ended
from calls.webhook_messages import LOADED, tell_of_status
from common.edges import contained
from common.money import format_credits
from portal.scope import Scope, all_organizations, scoped

logger = logging.getLogger(__name__)
_SWEEP_BATCH = 100


@dataclass(frozen=True)
class Outcome:
    """How a call ended. `duration_ms` counts from the moment audio connected."""

    reason: EndReason
    duration_ms: int = 0
    error: str = ""
    fault_owner: str = ""
    carrier_code: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    recording: KeptRecording | None = None


def finish_call(*, call_id: UUID, scope: Scope, outcome: Outcome) -> Call:
    """End a call and settle it in one transaction; a second ending changes nothing.

    Billed are the started seconds of `duration_ms`. A call that never connected costs
    nothing and its hold is released. A recording that comes after the end is kept.
    """
    with scoped(scope), transaction.atomic():
        call = _locked_calls().get(pk=call_id)
        if call.is_live:
            _end(call, outcome)
        elif outcome.recording is not None and not call.recording:
            attach_recording(call=call, kept=outcome.recording)
        return call


def _locked_calls(*, skip_locked: bool = False) -> models.QuerySet[Call]:
    # No key lock: turns and events that refer to the call need not wait.
    calls = Call.objects.select_related(*LOADED)
    return calls.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)


def _end(call: Call, outcome: Outcome) -> None:
    """Move, settle and tell; the caller has locked the call and found it live."""
    was_connected = call.started_at is not None
    status = lifecycle.final_status(outcome.reason, was_connected=was_connected)
    duration_ms = outcome.duration_ms if was_connected else 0
    seconds = -(-duration_ms // 1000)
    models = settled_use(call, outcome.usage, duration_ms)
    cost = settle_call(call_id=call.pk, seconds=seconds, models=models)
    now = timezone.now()
    moved = lifecycle.move_loaded(
        call,
        status,
        end_reason=str(outcome.reason),
        error=outcome.error.replace("\x00", "")[:300],
        fault_owner=outcome.fault_owner,
        carrier_code=outcome.carrier_code[:24],
        ended_at=now,
        duration_ms=duration_ms,
        usage=outcome.usage,
        quality=outcome.quality,
        billed_seconds=seconds,
        cost_microcredits=cost.cost_microcredits,
        pool_cost_microcredits=cost.pool_cost_microcredits,
        settled_at=now,
    )
    assert moved, "a locked live call can be moved to any final status"
    if outcome.recording is not None:
        attach_recording(call=call, kept=outcome.recording)
    if was_connected or call.direction != Call.Direction.OUTBOUND:
        close_transfers(call, now)  # nobody hands on a call that was not answered
    CallEvent.objects.create(
        organization_id=call.organization_id,
        agency_id=call.agency_id,
        call=call,
        kind="ended",
        at=now,
        data={"end_reason": str(outcome.reason), "status": str(status)},
    )
    transaction.on_commit(
        lambda: call_ended.send_robust(
            sender=Call, call_id=call.pk, organization_id=call.organization_id
        ),
        robust=True,
    )
    if was_connected:
        plan_analysis(call)
    tell_of_status(call)
    transaction.on_commit(lambda: bus.show(call.pk, ended_event(call)), robust=True)


def ended_event(call: Call) -> dict[str, Any]:
    """Return what watchers are told when a call is over."""
    return {
        "type": "ended",
        "status": call.status,
        "end_reason": call.end_reason,
        "error": call.error,
        "duration_ms": call.duration_ms,
        "cost_credits": format_credits(call.cost_microcredits),
        "call_url": reverse("call_detail", args=[call.pk]),
    }


def sweep_lost_calls(*, second_look_after_s: float = 0) -> int:
    """End calls whose lease ran out: their voice process, or their browser, is gone.

    A call in progress is billed up to the last heartbeat. A second look, a moment after
    the first, spares calls whose process merely had no database for a while: it renews
    their leases as soon as there is one again. Safe to run many times at once. Returns
    how many calls we ended.
    """
    with all_organizations("the sweeper looks after every organization's calls"):
        expired = Call.objects.filter(
            status__in=Call.LIVE, lease_until__lt=timezone.now()
        ).order_by("lease_until")
        suspects = list(expired[:_SWEEP_BATCH])
    if suspects:
        time.sleep(second_look_after_s)
    return sum(_end_if_lost(suspect) for suspect in suspects)


def _end_if_lost(suspect: Call) -> bool:
    scope = Scope(suspect.agency_id, suspect.organization_id)
    call_id = str(suspect.pk)
    # One call that cannot be ended must not keep the others alive.
    with contained(logger, "call not swept", call_id=call_id):
        with scoped(scope), transaction.atomic():
            # A locked call is being ended, or its lease renewed, at this very moment.
            call = (
                _locked_calls(skip_locked=True)
                .filter(pk=suspect.pk, lease_until__lt=timezone.now())
                .first()
            )
            if call is None or not call.is_live:
                return False
            _end(call, _lost_outcome(call))
        logger.warning("call lost", extra={"call_id": call_id})
        return True
    return False


def end_unclaimed_calls(*, node_id: UUID) -> int:
    """End calls that were placed on a voice process which leaves; nobody joined them."""
    with all_organizations("a node carries calls of many organizations"):
        unclaimed = list(
            Call.objects.filter(
                node_id=node_id, status__in=Call.LIVE, picked_up_at__isnull=True
            )
        )
    for call in unclaimed:
        finish_call(
            call_id=call.pk,
            scope=Scope(call.agency_id, call.organization_id),
            outcome=Outcome(
                EndReason.NO_CAPACITY,
                error="The voice service is restarting. Start the call again.",
                fault_owner="platform",
            ),
        )
    return len(unclaimed)


def _lost_outcome(call: Call) -> Outcome:
    if call.picked_up_at is None:
        if call.direction == Call.Direction.WEB:
            return Outcome(
                EndReason.NEVER_CONNECTED, error="No browser joined the call in time."
            )
        return Outcome(
            EndReason.VOICE_PROCESS_LOST, error="No voice process took the call."
        )
    heard_ms = 0
    if call.started_at and call.heartbeat_at:
        heard_ms = max(
            0, round((call.heartbeat_at - call.started_at).total_seconds() * 1000)
        )
    return Outcome(
        EndReason.VOICE_PROCESS_LOST,
        duration_ms=heard_ms,
        error="The voice process stopped during the call.",
        fault_owner="platform",
        usage=call.usage,
    )
