"""Several at once, in real threads: starts, ends, leases and sweepers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import connections
from django.utils import timezone

from billing.ledger import wallet_balance
from billing.reconciliation import reconcile
from calls.errors import CallRefused
from calls.models import Call, CallEvent, VoiceNode
from calls.services.finish import Outcome, finish_call, sweep_lost_calls
from calls.services.nodes import beat, drain_node
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from calls.signals import call_ended
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Organization
from portal.scope import Scope, all_organizations, organization_scope
from tests.world import CREDITS, House

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

T = TypeVar("T")
THREADS = 8
FULL = CREDITS * MICROCREDITS_PER_CREDIT


def at_once(*works: Callable[[], T]) -> list[T]:
    """Do all of it in threads that start together; exceptions come out."""
    together = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        together.wait(10)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(30) for future in [pool.submit(run, w) for w in works]]


def start(house: House) -> Call | None:
    """Start a call, or nothing when that is refused."""
    with organization_scope(house.organization):
        try:
            return start_web_call(
                organization=house.organization, assistant=house.assistant, actor=None
            ).call
        except CallRefused:
            return None


def connected(house: House, node: VoiceNode) -> Call:
    call = start(house)
    assert call is not None
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=100)
    return call


def ends(call: Call, reason: EndReason, duration_ms: int) -> Callable[[], object]:
    return lambda: finish_call(
        call_id=call.pk,
        scope=Scope(call.agency_id, call.organization_id),
        outcome=Outcome(reason, duration_ms=duration_ms),
    )


def is_spent_exactly(house: House, call: Call) -> bool:
    with all_organizations("test"):
        call.refresh_from_db()
        assert reconcile() == []
        assert CallEvent.objects.filter(call=call, kind="ended").count() == 1
        balance = wallet_balance(house.organization)
    assert balance.held == 0
    return FULL - balance.available == call.cost_microcredits


@pytest.fixture
def told() -> Iterator[list[object]]:
    """The ends of calls that were told."""
    heard: list[object] = []

    def listen(sender: object, call_id: object, **_: object) -> None:
        heard.append(call_id)

    call_ended.connect(listen)
    yield heard
    call_ended.disconnect(listen)


def test_of_eight_who_end_a_call_one_does(
    bakery: House, acme: House, node: VoiceNode, told: list[object]
) -> None:
    call = connected(bakery, node)
    at_once(
        *(
            ends(call, EndReason.USER_HANGUP, seconds * 1000)
            for seconds in range(1, 1 + THREADS)
        )
    )
    assert is_spent_exactly(bakery, call)
    assert is_spent_exactly(acme, call)
    assert call.billed_seconds == call.duration_ms // 1000
    assert told == [call.pk]


@pytest.mark.parametrize("attempt", range(3))
def test_an_end_and_several_sweepers_end_a_call_once(
    bakery: House, node: VoiceNode, told: list[object], attempt: int
) -> None:
    call = connected(bakery, node)
    now = timezone.now()
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(
            started_at=now - timedelta(seconds=30),
            heartbeat_at=now - timedelta(seconds=12),
            lease_until=now - timedelta(seconds=2),
        )
    at_once(
        ends(call, EndReason.USER_HANGUP, 25_000), *[sweep_lost_calls] * (THREADS - 1)
    )
    assert is_spent_exactly(bakery, call)
    assert (call.end_reason, call.billed_seconds) in [
        ("user_hangup", 25),
        ("voice_process_lost", 18),
    ]
    assert told == [call.pk]


def test_a_lease_renewed_between_two_looks_keeps_the_call(
    bakery: House, node: VoiceNode
) -> None:
    call = connected(bakery, node)
    with all_organizations("test"):
        Call.objects.filter(pk=call.pk).update(
            lease_until=timezone.now() - timedelta(seconds=20)
        )

    def renew() -> int:
        threading.Event().wait(0.2)  # the sweeper has had its first look by then
        beat(node_id=node.pk, call_ids=[call.pk])
        return 0

    swept = at_once(lambda: sweep_lost_calls(second_look_after_s=0.6), renew)
    assert swept == [0, 0]
    with all_organizations("test"):
        call.refresh_from_db()
    assert call.is_live


def test_a_call_that_cannot_be_ended_does_not_keep_the_others_alive(
    bakery: House, node: VoiceNode
) -> None:
    broken, lost = connected(bakery, node), connected(bakery, node)
    now = timezone.now()
    with all_organizations("test"):
        # A duration that no column holds stands for any error.
        Call.objects.filter(pk=broken.pk).update(
            started_at=now - timedelta(days=300_000),
            heartbeat_at=now,
            lease_until=now - timedelta(seconds=9),
        )
        Call.objects.filter(pk=lost.pk).update(lease_until=now - timedelta(seconds=2))
    assert sweep_lost_calls() == 1
    with all_organizations("test"):
        broken.refresh_from_db()
        lost.refresh_from_db()
    assert broken.is_live
    assert lost.end_reason == "voice_process_lost"


def test_the_organizations_limit_holds_for_eight_at_once(
    bakery: House, node: VoiceNode
) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=bakery.organization.pk).update(
            max_concurrent_calls=3
        )
    started = at_once(*[lambda: start(bakery)] * THREADS)
    assert sum(call is not None for call in started) == 3
    with all_organizations("test"):
        assert Call.objects.count() == 3
        held = wallet_balance(bakery.organization).held
    assert held == 3 * MICROCREDITS_PER_CREDIT


def test_the_places_of_the_voice_processes_are_given_once(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    VoiceNode.objects.update(capacity=2)
    second = VoiceNode.objects.create(
        host="second", pid=2, capacity=3, heartbeat_at=timezone.now()
    )
    houses = [bakery, garage] * (THREADS // 2)
    started = at_once(*((lambda house=house: start(house)) for house in houses))
    assert sum(call is not None for call in started) == 5
    with all_organizations("test"):
        assert Call.objects.filter(node=node).count() == 2
        assert Call.objects.filter(node=second).count() == 3


def test_no_call_is_placed_on_a_voice_process_that_has_begun_to_drain(
    bakery: House, node: VoiceNode
) -> None:
    def drain() -> set[object]:
        drain_node(node_id=node.pk)
        with all_organizations("test"):
            return set(Call.objects.values_list("pk", flat=True))

    def begin() -> set[object]:
        call = start(bakery)
        return {call.pk} if call else set()

    seen, *started = at_once(drain, *[begin] * (THREADS - 1))
    assert set().union(*started) == seen, "a call came after the drain had begun"


def test_one_of_eight_picks_a_call_up(bakery: House, node: VoiceNode) -> None:
    call = start(bakery)
    assert call is not None
    taken = at_once(
        *[lambda: pick_up(call_id=call.pk, node_id=node.pk) is not None] * THREADS
    )
    assert sum(taken) == 1
