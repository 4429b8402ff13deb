"""Voice processes that leave or were forgotten, and what still comes after an end."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from billing.ledger import wallet_balance
from calls.errors import NodeForgotten
from calls.models import Call, VoiceNode
from calls.services.finish import Outcome, end_unclaimed_calls, finish_call
from calls.services.nodes import beat, forget_dead_nodes, retire_node
from calls.services.recordings import KeptRecording
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from calls.signals import call_ended
from portal.scope import Scope, all_organizations, organization_scope
from tests.world import House

KEPT = KeptRecording("ab/late.wav", 3_000, {})


@pytest.fixture
def call(bakery: House, node: VoiceNode) -> Call:
    with organization_scope(bakery.organization):
        return start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call


def finish(call: Call, outcome: Outcome) -> Call:
    scope = Scope(call.agency_id, call.organization_id)
    return finish_call(call_id=call.pk, scope=scope, outcome=outcome)


def test_a_leaving_voice_process_ends_what_nobody_joined(
    call: Call, bakery: House, node: VoiceNode
) -> None:
    assert end_unclaimed_calls(node_id=node.pk) == 1
    assert end_unclaimed_calls(node_id=node.pk) == 0
    with all_organizations("test"):
        call.refresh_from_db()
        assert wallet_balance(bakery.organization).held == 0
    assert (call.status, call.end_reason) == ("failed", "no_capacity")
    assert "again" in call.error


def test_a_leaving_voice_process_leaves_a_joined_call_alone(
    call: Call, node: VoiceNode
) -> None:
    assert pick_up(call_id=call.pk, node_id=node.pk)
    assert end_unclaimed_calls(node_id=node.pk) == 0


def test_a_voice_process_that_left_is_forgotten_and_its_calls_are_not(
    call: Call, node: VoiceNode
) -> None:
    finish(call, Outcome(EndReason.USER_HANGUP))
    retire_node(node_id=node.pk)
    with all_organizations("test"):
        call.refresh_from_db()
    assert call.node is None


@pytest.mark.parametrize(("hours", "left"), [(0.9, 1), (1.1, 0)])
def test_a_voice_process_silent_for_an_hour_is_struck_off(
    call: Call, node: VoiceNode, hours: float, left: int
) -> None:
    VoiceNode.objects.update(heartbeat_at=timezone.now() - timedelta(hours=hours))
    forget_dead_nodes()
    assert VoiceNode.objects.count() == left


def test_a_forgotten_voice_process_is_told(node: VoiceNode) -> None:
    retire_node(node_id=node.pk)
    with pytest.raises(NodeForgotten):
        beat(node_id=node.pk, call_ids=[])


def test_a_call_that_is_tidied_up_keeps_its_lease_but_counts_no_seconds(
    call: Call, node: VoiceNode
) -> None:
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=10)
    long_ago = timezone.now() - timedelta(seconds=9)
    with all_organizations("test"):
        Call.objects.update(heartbeat_at=long_ago, lease_until=long_ago)
        beat(node_id=node.pk, call_ids=[call.pk], silent=frozenset({call.pk}))
        call.refresh_from_db()
    assert call.heartbeat_at == long_ago
    assert call.lease_until is not None
    assert call.lease_until > timezone.now()


def test_connecting_again_is_no_second_start(call: Call, node: VoiceNode) -> None:
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=10)
    with all_organizations("test"):
        call.refresh_from_db()
        first = call.started_at
        assert mark_connected(order=order, setup_ms=99)
        call.refresh_from_db()
    assert call.started_at == first
    finish(call, Outcome(EndReason.USER_HANGUP))
    assert not mark_connected(order=order, setup_ms=10)


def test_a_recording_that_comes_after_the_end_is_kept(call: Call) -> None:
    finish(call, Outcome(EndReason.VOICE_PROCESS_LOST))
    late = finish(call, Outcome(EndReason.USER_HANGUP, recording=KEPT))
    assert late.end_reason == "voice_process_lost"
    assert late.recording == KEPT.name
    other = KeptRecording("ab/other.wav", 1, {})
    again = finish(call, Outcome(EndReason.USER_HANGUP, recording=other))
    assert again.recording == KEPT.name


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_keeps_nobody_from_hearing_of_the_end(call: Call) -> None:
    heard: list[object] = []

    def listen(sender: object, call_id: object, **_: object) -> None:
        heard.append(call_id)

    call_ended.connect(listen)
    try:
        with mock.patch(
            "celery.app.task.Task.apply_async", side_effect=ConnectionError("no broker")
        ):
            ended = finish(call, Outcome(EndReason.USER_HANGUP, recording=KEPT))
    finally:
        call_ended.disconnect(listen)
    assert heard == [call.pk]
    assert ended.status == Call.Status.ENDED


def test_what_postgresql_cannot_store_is_left_out(call: Call) -> None:
    ended = finish(call, Outcome(EndReason.CARRIER_FAILED, error="503\x00" + "x" * 400))
    assert ended.error == "503" + "x" * 297
