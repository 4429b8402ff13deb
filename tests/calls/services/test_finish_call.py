"""Ending a call: the bill is exact, written once, and the sweeper finds what was lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from billing.ledger import wallet_balance
from billing.reconciliation import reconcile
from calls.models import Call, VoiceNode
from calls.services.finish import Outcome, finish_call, sweep_lost_calls
from calls.services.nodes import beat
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from calls.signals import call_ended
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import Scope, all_organizations, organization_scope
from tests.world import CREDITS, House

FULL = CREDITS * MICROCREDITS_PER_CREDIT


@pytest.fixture
def call(bakery: House, node: VoiceNode) -> Call:
    with organization_scope(bakery.organization):
        return start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call


def connect(call: Call, node: VoiceNode) -> None:
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=200)


def finish(call: Call, reason: EndReason, **values: object) -> Call:
    return finish_call(
        call_id=call.pk,
        scope=Scope(call.agency_id, call.organization_id),
        outcome=Outcome(reason, **values),  # type: ignore[arg-type]
    )


def spent(house: House) -> int:
    with organization_scope(house.organization):
        balance = wallet_balance(house.organization)
    assert balance.held == 0
    return FULL - balance.available


def test_a_call_costs_its_started_seconds_in_both_wallets(
    call: Call, bakery: House, acme: House, node: VoiceNode
) -> None:
    connect(call, node)
    ended = finish(call, EndReason.USER_HANGUP, duration_ms=8_120)
    assert ended.status == Call.Status.ENDED
    assert ended.billed_seconds == 9
    assert ended.cost_microcredits == 150_000  # 9 s at one credit a minute
    assert spent(bakery) == 150_000
    assert spent(acme) == 150_000
    with all_organizations("test"):
        assert reconcile() == []


def test_a_second_ending_changes_nothing(
    call: Call, bakery: House, node: VoiceNode
) -> None:
    connect(call, node)
    finish(call, EndReason.USER_HANGUP, duration_ms=8_120)
    again = finish(call, EndReason.VOICE_PROCESS_LOST, duration_ms=30_000)
    assert again.end_reason == EndReason.USER_HANGUP
    assert spent(bakery) == 150_000


def test_a_call_that_never_connected_is_free(
    call: Call, bakery: House, acme: House
) -> None:
    ended = finish(call, EndReason.NEVER_CONNECTED, duration_ms=9_000)
    assert ended.status == Call.Status.FAILED
    assert ended.cost_microcredits == 0
    assert spent(bakery) == spent(acme) == 0


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (EndReason.USER_HANGUP, "ended"),
        (EndReason.ASSISTANT_HANGUP, "ended"),
        (EndReason.MAX_DURATION, "ended"),
        (EndReason.INSUFFICIENT_CREDITS, "ended"),
        (EndReason.OPERATOR_HANGUP, "ended"),
        (EndReason.CONNECTION_LOST, "ended"),
        (EndReason.VOICEMAIL, "ended"),
        (EndReason.VENDOR_FAILED, "ended-with-error"),
        (EndReason.INTERNAL_ERROR, "ended-with-error"),
        (EndReason.VOICE_PROCESS_LOST, "failed"),
    ],
)
def test_each_reason_has_its_status(
    call: Call, node: VoiceNode, reason: EndReason, status: str
) -> None:
    connect(call, node)
    assert finish(call, reason, duration_ms=1_000).status == status


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_end_is_told_after_it_is_committed(call: Call, node: VoiceNode) -> None:
    heard: list[object] = []

    def listen(sender: object, call_id: UUID, **_: object) -> None:
        with all_organizations("test"):
            heard.append((call_id, Call.objects.get(pk=call_id).status))

    call_ended.connect(listen)
    try:
        connect(call, node)
        finish(call, EndReason.USER_HANGUP, duration_ms=1_000)
        finish(call, EndReason.USER_HANGUP, duration_ms=1_000)
    finally:
        call_ended.disconnect(listen)
    assert heard == [(call.pk, "ended")]


def expire(call: Call) -> None:
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )


def test_a_lost_call_is_billed_to_its_last_heartbeat(
    call: Call, bakery: House, node: VoiceNode
) -> None:
    connect(call, node)
    now = timezone.now()
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(
            started_at=now - timedelta(seconds=20),
            heartbeat_at=now - timedelta(seconds=8),
            lease_until=now - timedelta(seconds=1),
        )
    assert sweep_lost_calls() == 1
    assert sweep_lost_calls() == 0
    with all_organizations("test"):
        call.refresh_from_db()
    assert (call.status, call.end_reason) == ("failed", "voice_process_lost")
    assert call.duration_ms == 12_000
    assert spent(bakery) == 200_000  # 12 s at one credit a minute


def test_a_call_nobody_joined_is_ended_free(call: Call, bakery: House) -> None:
    expire(call)
    assert sweep_lost_calls() == 1
    with all_organizations("test"):
        call.refresh_from_db()
    assert (call.status, call.end_reason) == ("failed", "never_connected")
    assert spent(bakery) == 0


def test_a_heartbeat_keeps_the_sweeper_away(call: Call, node: VoiceNode) -> None:
    connect(call, node)
    expire(call)
    assert beat(node_id=node.pk, call_ids=[call.pk]) == {}
    assert sweep_lost_calls() == 0


def test_a_heartbeat_tells_which_calls_must_stop(call: Call, node: VoiceNode) -> None:
    connect(call, node)
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(stop_reason="operator_hangup")
    assert beat(node_id=node.pk, call_ids=[call.pk]) == {call.pk: "operator_hangup"}
    finish(call, EndReason.OPERATOR_HANGUP, duration_ms=10)
    assert beat(node_id=node.pk, call_ids=[call.pk]) == {call.pk: ""}


def test_only_its_node_picks_a_call_up_and_only_once(
    call: Call, node: VoiceNode
) -> None:
    other = VoiceNode.objects.create(
        host="other", pid=2, capacity=1, heartbeat_at=timezone.now()
    )
    assert pick_up(call_id=call.pk, node_id=other.pk) is None
    assert pick_up(call_id=call.pk, node_id=node.pk) is not None
    assert pick_up(call_id=call.pk, node_id=node.pk) is None
