"""Commands to a voice process: early, late, twice, and nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from calls import bus
from calls.models import Call, VoiceNode
from calls.node import database
from calls.node.lanes import MAX_LANES, MAX_WAITING, Lanes
from calls.services.finish import Outcome, finish_call
from calls.services.halting import halt_calls
from calls.session.events import EndReason
from common.ids import uuid7
from portal.scope import Scope, all_organizations
from tests.calls.node.held import FULL, cost_of, wallet
from tests.calls.node.serving import Page, row, serving, start_call
from tests.world import House

pytestmark = [pytest.mark.asyncio]
in_real_time = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def real_time(test: Any) -> Any:
    for mark in in_real_time:
        test = mark(test)
    return test


@real_time
async def test_a_page_talks_and_hangs_up(bakery: House) -> None:
    async with serving():
        call = await start_call(bakery)
        async with Page(call) as page:
            await page.connect()
            await page.hears("turn")
            await page.tell("hangup")
            ended = await page.hears("ended")
        assert ended["end_reason"] == "user_hangup"
        ended_call = await row(call.pk)
        assert ended_call.status == "ended"
    left = await database.ask(lambda: wallet(bakery))
    assert left == FULL - cost_of(ended_call.billed_seconds)
    assert await database.ask(VoiceNode.objects.count) == 0


@real_time
async def test_a_command_delivered_twice_is_obeyed_once(bakery: House) -> None:
    async with serving() as process:
        call = await start_call(bakery)
        async with Page(call) as page:
            await page.pc.setLocalDescription(await page.pc.createOffer())
            offer = bus.node_command(
                "offer", call.pk, {"sdp": page.pc.localDescription.sdp}
            )
            layer = get_channel_layer()
            for _ in range(3):
                await layer.group_send(bus.node_group(process.node_id), offer)
            await page.hears("answer")
            await asyncio.sleep(0.5)
            assert len(page.of("answer")) == 1
            await page.offer()  # a new one: the page's network changed
            await asyncio.sleep(1)
            assert len(page.of("answer")) == 2
            assert page.of("error") == []
            await page.tell("hangup")
            await page.hears("ended")


@real_time
async def test_an_offer_that_comes_too_late_is_told_so(
    bakery: House, node: VoiceNode
) -> None:
    elsewhere = await start_call(bakery)  # on a node where nobody lives
    async with serving() as process:
        finished = await start_call(bakery)
        while finished.node_id != process.node_id:
            finished = await start_call(bakery)
        await database.ask(
            finish_call,
            call_id=finished.pk,
            scope=Scope(finished.agency_id, finished.organization_id),
            outcome=Outcome(EndReason.OPERATOR_HANGUP),
        )
        unknown = Call(pk=uuid7())
        for call in (elsewhere, finished, unknown):
            before = None if call is unknown else await row(call.pk)
            call.node_id = process.node_id
            async with Page(call) as page:
                await page.offer()
                assert (await page.hears("error"))["code"] == "call_over"
            if before is not None:
                assert (await row(call.pk)).status == before.status
        assert process.calls == {}


G729 = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 18\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:18 G729/8000\r\n"
    "a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
)
NO_AUDIO = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


@real_time
@pytest.mark.parametrize(
    ("sdp", "says"),
    [
        ("hello", "not a session description"),
        ("\x00" * 20, "not a session description"),
        (NO_AUDIO, "no audio"),
        (G729, "no codec in common"),
    ],
    ids=["no SDP", "zeros", "no audio", "only G.729"],
)
async def test_an_offer_that_cannot_be_answered_fails_free(
    bakery: House, sdp: str, says: str
) -> None:
    async with serving():
        call = await start_call(bakery)
        async with Page(call) as page:
            await page.tell("offer", sdp=sdp)
            error = await page.hears("error")
            assert error["code"] == "bad_offer"
            assert says in error["message"]
            await page.hears("ended")
        failed = await row(call.pk)
        assert (failed.status, failed.end_reason) == ("failed", "never_connected")
        assert says in failed.error
    assert await database.ask(lambda: wallet(bakery)) == FULL


@real_time
async def test_nonsense_harms_no_call(bakery: House) -> None:
    async with serving() as process:
        call = await start_call(bakery)
        layer, group = get_channel_layer(), bus.node_group(process.node_id)
        for nonsense in (
            {"type": "node.command"},
            {"type": "node.command", "id": "1", "command": 7, "call_id": "x"},
            bus.node_command("offer", call.pk, {}),
            bus.node_command("", call.pk, {}),
            bus.node_command("dance", uuid7(), {}),
        ):
            await layer.group_send(group, nonsense)
        async with Page(call) as page:
            for command in ("hangup", "end", "candidate", "mute", "say", "inject"):
                await page.tell(command)  # before the call is picked up
            await page.connect()
            for candidate in ("x", {}, {"candidate": 7}, {"candidate": "a b c"}, None):
                await page.tell("candidate", candidate=candidate)
            await page.tell("mute", muted=True)
            await page.tell("say")
            await page.tell("inject", content="x")
            await page.tell("offer", sdp="again?")
            errors = {(await page.hears("error"))["code"]}
            await page.tell("say", text="Still here.", end_after=True)
            ended = await page.hears("ended")
        errors |= {error["code"] for error in page.of("error")}
        assert errors == {"bad_candidate", "bad_offer"}
        assert ended["end_reason"] == "assistant_hangup"
        await page.tell("hangup")  # after the end
        await page.tell("offer", sdp="again?")


@real_time
async def test_a_call_whose_row_is_locked_makes_no_other_wait(bakery: House) -> None:
    async with serving() as process:
        stuck, other = await start_call(bakery), await start_call(bakery)
        release, is_locked = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def lock() -> None:
            with all_organizations("test"), transaction.atomic():
                Call.objects.select_for_update(of=("self",)).get(pk=stuck.pk)
                loop.call_soon_threadsafe(is_locked.set)
                asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)

        locking = asyncio.create_task(database.ask(lock))
        await is_locked.wait()
        async with Page(stuck) as first, Page(other) as second:
            await first.offer()
            await second.connect()
            assert first.news == []
            assert list(process.calls) == [other.pk]
            release.set()
            await locking
            await first.hears("answer")
            for page in (first, second):
                await page.tell("hangup")
                await page.hears("ended")


async def test_commands_of_one_call_keep_their_order() -> None:
    seen: list[tuple[UUID, int]] = []
    slow, fast = uuid7(), uuid7()
    gate = asyncio.Event()

    async def handle(command: str, call_id: UUID, data: dict[str, Any]) -> None:
        if command == "fail":
            raise RuntimeError("a command of nobody's liking")
        if call_id == slow:
            await gate.wait()
        seen.append((call_id, data["n"]))

    lanes = Lanes(handle)
    lanes.put("fail", slow, {})
    for number in range(3):
        lanes.put("say", slow, {"n": number})
        lanes.put("say", fast, {"n": number})
    await asyncio.sleep(0.01)
    assert seen == [(fast, 0), (fast, 1), (fast, 2)]
    assert lanes.is_busy(slow)
    assert not lanes.is_busy(fast)
    gate.set()
    await asyncio.sleep(0.01)
    assert seen[3:] == [(slow, 0), (slow, 1), (slow, 2)]
    assert not lanes.is_busy(slow)


async def flood(put: Callable[[Lanes], None]) -> int:
    handled = 0
    gate = asyncio.Event()

    async def handle(command: str, call_id: UUID, data: dict[str, Any]) -> None:
        nonlocal handled
        await gate.wait()
        handled += 1

    lanes = Lanes(handle)
    put(lanes)
    gate.set()
    await asyncio.sleep(0.2)
    await lanes.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return handled


async def test_a_flood_is_bounded_for_one_call_and_for_all() -> None:
    call_id = uuid7()

    def one(lanes: Lanes) -> None:
        for _ in range(10 * MAX_WAITING):
            lanes.put("candidate", call_id, {})

    def many(lanes: Lanes) -> None:
        for _ in range(2 * MAX_LANES):
            lanes.put("offer", uuid7(), {})

    assert await flood(one) == MAX_WAITING
    assert await flood(many) == MAX_LANES


async def test_lanes_close_in_the_middle_of_a_command() -> None:
    async def handle(command: str, call_id: UUID, data: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    lanes = Lanes(handle)
    lanes.put("offer", uuid7(), {})
    await asyncio.sleep(0)
    await lanes.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@real_time
@pytest.mark.parametrize("is_message_lost", [False, True])
async def test_a_halt_ends_a_live_call(
    bakery: House, monkeypatch: pytest.MonkeyPatch, is_message_lost: bool
) -> None:
    if is_message_lost:
        monkeypatch.setattr(bus, "tell_node", lambda *_: None)
    async with serving():
        call = await start_call(bakery)
        async with Page(call) as page:
            await page.connect()
            await page.hears("turn")
            halt = partial(
                halt_calls,
                organization=bakery.organization,
                reason="Fraud",
                actor=None,
            )
            assert await database.ask(halt) == 1
            ended = await page.hears("ended")
    assert ended["end_reason"] == "operator_hangup"
