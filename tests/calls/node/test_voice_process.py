"""A voice process: lease, capacity, lost hints, stops, draining, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from channels.layers import get_channel_layer
from django.db import connections
from django.utils import timezone

from calls.errors import NoCapacity
from calls.models import Call, PhoneNumber, Trunk, VoiceNode
from calls.node import database, process as voice
from calls.services.finish import Outcome, finish_call, sweep_lost_calls
from calls.services.nodes import retire_node
from calls.services.opening import NewCall
from calls.services.outbound import place_call
from calls.services.starting import open_call
from calls.services.trunks import add_trunk
from calls.session.events import EndReason
from common.ids import uuid7
from portal.scope import Scope, all_organizations, organization_scope
from tests.calls.node.held import FULL, cost_of, wallet
from tests.calls.node.serving import (
    Page,
    dial,
    hang_up,
    has_status,
    is_idle,
    row,
    serving,
    start_call,
    until,
)
from tests.calls.services.test_inbound_reserve import with_trunk
from tests.fakes.leg import FAKE_CARRIER
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


async def test_a_dialled_call_is_carried(bakery: House) -> None:
    async with serving():
        call = await dial(bakery)
        await has_status(call, "in-progress")
        ended = await hang_up(call)
    assert ended.end_reason == "operator_hangup"
    left = await database.ask(lambda: wallet(bakery))
    assert left == FULL - cost_of(ended.billed_seconds)


async def test_a_lost_hint_costs_a_second(bakery: House) -> None:
    async with serving():

        def place_silently() -> Call:
            with organization_scope(bakery.organization):
                return open_call(
                    organization=bakery.organization,
                    assistant=bakery.assistant,
                    actor=None,
                    new=NewCall(
                        call_id=uuid7(),
                        direction=Call.Direction.OUTBOUND,
                        carrier=FAKE_CARRIER.name,
                        lease_s=20,
                        callee_number="+31205550001",
                    ),
                )

        call = await database.ask(place_silently)
        await has_status(call, "ringing", "in-progress", within_s=2)
        await hang_up(call)


async def test_a_carrier_that_breaks_fails_its_call_alone(bakery: House) -> None:
    async with serving():
        good, bad = await dial(bakery), await dial(bakery, "+31205550009")
        failed = await has_status(bad, "failed")
        assert (failed.end_reason, failed.error) == (
            "carrier_failed",
            "the trunk is down",
        )
        await has_status(good, "in-progress")
        await hang_up(good)


async def test_a_call_ended_elsewhere_falls_silent(bakery: House) -> None:
    async with serving() as process:
        call = await dial(bakery)
        await has_status(call, "in-progress")
        held = process.calls[call.pk]
        await database.ask(
            finish_call,
            call_id=call.pk,
            scope=Scope(call.agency_id, call.organization_id),
            outcome=Outcome(EndReason.VOICE_PROCESS_LOST, duration_ms=500),
        )
        async with asyncio.timeout(3):
            await held.link.wait_closed()
        await is_idle(process)
    ended = await row(call.pk)
    assert (ended.end_reason, ended.billed_seconds) == ("voice_process_lost", 1)


async def test_the_lease_is_renewed_while_every_other_query_hangs(
    bakery: House,
) -> None:
    async with serving() as process:
        call = await dial(bakery)
        first = await has_status(call, "in-progress")
        release = threading.Event()
        hanging = [
            asyncio.create_task(database.ask(release.wait, timeout=10))
            for _ in range(2 * database.THREADS)
        ]
        await asyncio.sleep(3.3)  # three beats, wherever in the first second we are
        release.set()
        await asyncio.gather(*hanging)
        later = await row(call.pk)
        node = await database.ask(VoiceNode.objects.get, pk=process.node_id)
        assert first.heartbeat_at is not None
        assert later.heartbeat_at is not None
        assert later.lease_until is not None
        assert (later.heartbeat_at - first.heartbeat_at).total_seconds() > 1.8
        assert (later.lease_until - timezone.now()).total_seconds() > 8
        assert (timezone.now() - node.heartbeat_at).total_seconds() < 1.5
        assert await database.ask(sweep_lost_calls) == 0
        await hang_up(call)


def lose(call: Call) -> None:
    """Let a lease run out and sweep, faster than a heartbeat under way can renew it."""
    try:
        with all_organizations("test"):
            while not sweep_lost_calls():
                long_ago = timezone.now() - timedelta(seconds=1)
                Call.objects.filter(pk=call.pk).update(lease_until=long_ago)
    finally:
        connections.close_all()


async def test_a_process_that_was_paused_finds_its_call_ended_and_stops(
    bakery: House,
) -> None:
    async with serving() as process:
        call = await dial(bakery)
        await has_status(call, "in-progress")
        sweeper = threading.Thread(target=lose, args=[call])
        sweeper.start()
        sweeper.join()  # the loop stands still, as in a process that is paused
        ended = await row(call.pk)
        assert (ended.status, ended.end_reason) == ("failed", "voice_process_lost")
        await is_idle(process)
    left = await database.ask(lambda: wallet(bakery))
    assert left == FULL - cost_of(ended.billed_seconds)


async def test_two_processes_share_the_calls_and_no_more_than_fit(
    bakery: House,
) -> None:
    async with serving(capacity=1) as one, serving(capacity=2) as two:
        calls = [await dial(bakery) for _ in range(3)]
        with pytest.raises(NoCapacity):
            await dial(bakery)
        for call in calls:
            await has_status(call, "in-progress")
        assert (len(one.calls), len(two.calls)) == (1, 2)
        for call in calls:
            await hang_up(call)
        freed = await dial(bakery)  # the places are free again
        await has_status(freed, "in-progress")
        await hang_up(freed)


async def test_draining_finishes_calls_takes_no_new_one_and_leaves(
    bakery: House,
) -> None:
    async with serving() as process:
        call, unclaimed = await dial(bakery), await start_call(bakery)
        await has_status(call, "in-progress")
        process.drain()
        await asyncio.sleep(0.3)
        with pytest.raises(NoCapacity):
            await start_call(bakery)
        joins = await row(unclaimed.pk)
        assert joins.is_live
        assert (await row(call.pk)).status == "in-progress"
        await hang_up(call)
    ended = await row(unclaimed.pk)
    assert (ended.status, ended.end_reason) == ("failed", "no_capacity")
    assert await database.ask(VoiceNode.objects.count) == 0
    await database.ask(lambda: wallet(bakery))


async def test_a_browser_may_still_join_the_call_it_started(bakery: House) -> None:
    async with serving() as process:
        call = await start_call(bakery)
        process.drain()
        async with Page(call) as page:
            await page.connect()
            await page.tell("hangup")
            assert (await page.hears("ended"))["end_reason"] == "user_hangup"


async def test_a_call_that_outlasts_the_drain_is_ended_and_billed(
    bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice, "DRAIN_LIMIT_S", 0.5)
    async with serving() as process:
        call = await dial(bakery)
        await has_status(call, "in-progress")
        process.drain()
        ended = await has_status(call, "failed", within_s=6)
    assert ended.end_reason == "voice_process_lost"
    assert "restarted" in ended.error
    assert 1 <= ended.billed_seconds <= 3
    left = await database.ask(lambda: wallet(bakery))
    assert left == FULL - cost_of(ended.billed_seconds)


async def test_a_process_that_was_struck_off_leaves(bakery: House) -> None:
    async with serving() as process:
        await database.ask(retire_node, node_id=process.node_id)
        async with asyncio.timeout(3):
            await process._is_draining.wait()


async def test_a_channel_layer_that_fails_is_listened_to_again(bakery: House) -> None:
    layer = get_channel_layer()
    receive = layer.receive
    failures = 2

    async def unsteady(channel: str) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError("the layer went away")
        return await receive(channel)

    with mock.patch.object(layer, "receive", unsteady):
        async with serving():
            call = await start_call(bakery)
            await asyncio.sleep(2.2)
            async with Page(call) as page:
                await page.offer()
                await page.hears("answer")
                await page.tell("hangup")
                await page.hears("ended")


def _sockets() -> int:
    count = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
        except OSError:
            continue
    return count


def _resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


async def _comes_and_goes(house: House, number: int) -> None:
    """A page that leaves at some moment: at once, while it connects, or in the call."""
    call = await start_call(house)
    async with Page(call) as page:
        await page.offer()
        if number % 3:
            await page.hears("answer")
        if number % 3 == 2:
            await asyncio.sleep(0.05)
        await page.tell("hangup")
        ended = await page.hears("ended")
    assert ended["end_reason"] == "user_hangup"


async def test_rapid_starts_and_hang_ups_leave_nothing_behind(bakery: House) -> None:
    async with serving(capacity=10) as process:

        async def rounds(count: int) -> tuple[int, int, int]:
            for first in range(0, count, 4):
                together = range(first, first + 4)
                await asyncio.gather(*(_comes_and_goes(bakery, n) for n in together))
            await is_idle(process)
            await asyncio.sleep(0.5)  # what closes by itself
            gc.collect()
            return len(asyncio.all_tasks()), _sockets(), _resident_kb()

        tasks, sockets, memory_kb = await rounds(8)
        tasks_after, sockets_after, memory_kb_after = await rounds(24)
        assert tasks_after <= tasks
        assert sockets_after <= sockets
        assert memory_kb_after - memory_kb < 24 * 256
    left = await database.ask(lambda: wallet(bakery))
    assert left > FULL - cost_of(2 * 32)


async def test_a_trunk_is_known_as_soon_as_it_is_added(bakery: House) -> None:
    def add() -> Trunk:
        with organization_scope(bakery.organization):
            values = {"name": "New", "host": "sip.example.com", "carrier": "fake"}
            return add_trunk(
                organization=bakery.organization, values=values, actor=None
            )

    async with serving() as process:
        carrier = process._reception._carriers.get("fake")
        trunk = await database.ask(add)

        async def is_known() -> bool:
            return trunk.pk in carrier.health()

        await until(is_known, within_s=1)


async def test_a_call_on_a_trunk_nobody_told_of_has_it_looked_up(
    bakery: House,
) -> None:
    def place() -> Call:
        with mock.patch("calls.services.trunks.announce_trunks"):
            number = with_trunk(bakery, carrier="fake")
        with organization_scope(bakery.organization):
            PhoneNumber.objects.filter(pk=number.pk).update(carrier="fake")
            number.carrier = "fake"
            return place_call(
                organization=bakery.organization,
                assistant=bakery.assistant,
                destination="+31205550001",
                call_id=uuid7(),
                actor=None,
                number=number,
            )

    with mock.patch.object(voice, "_TRUNKS_EVERY_S", 60):
        async with serving() as process:
            call = await database.ask(place)
            await has_status(call, "in-progress")
            carrier = process._reception._carriers.get("fake")
            assert call.trunk_id in carrier.health()
            await hang_up(call)


async def test_a_transfer_onto_a_trunk_nobody_told_of_has_it_looked_up(
    bakery: House,
) -> None:
    def add_silently() -> Trunk | None:
        with mock.patch("calls.services.trunks.announce_trunks"):
            return with_trunk(bakery, carrier="fake").trunk

    with mock.patch.object(voice, "_TRUNKS_EVERY_S", 60):
        async with serving() as process:
            call = await start_call(bakery)
            async with Page(call) as page:
                await page.connect()
                trunk = await database.ask(add_silently)
                wanted = {"destination": "+31205551234", "message": ""}
                await page.tell("transfer", **wanted, asked_by="api")

                async def is_bridged() -> bool:
                    return any(
                        news.get("status") == "bridged" for news in page.of("transfer")
                    )

                await until(is_bridged)
                carrier = process._reception._carriers.get("fake")
                assert trunk is not None
                assert trunk.pk in carrier.health()
                await page.tell("hangup")
            await has_status(call, "transferred")
