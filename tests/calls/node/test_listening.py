"""A person listens in to a live call, and takes it over: real WebRTC, a real process."""

from __future__ import annotations

import asyncio
import struct
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import numpy as np
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from channels.layers import get_channel_layer

from calls import bus
from calls.models import Call, VoiceNode
from calls.node.listening import ListenIn, Mixer, at_rate, mixed
from calls.services.running import CallOrder
from tests.calls.node.held import HeldCall
from tests.calls.node.serving import (
    Page,
    has_status,
    is_idle,
    serving,
    start_call,
    until,
)
from tests.fakes.link import FakeLink
from tests.fakes.script import FIRST_SAMPLE_VALUE, Voice, answer, script, user_says
from tests.world import House


def test_both_sides_are_mixed_in_step() -> None:
    heard: list[bytes] = []
    mixer = Mixer(heard.append)
    frame = np.full(320, 1_000, np.int16).tobytes()
    mixer.assistant(frame, 16_000, 0)
    mixer.caller(frame, 16_000, 0)
    mixer.caller(frame, 16_000, 20)  # the assistant is silent
    assert [np.frombuffer(one, np.int16)[0] for one in heard] == [2_000, 1_000]


def test_a_side_that_stands_still_does_not_fill_the_memory() -> None:
    mixer = Mixer(lambda _: None)
    for _ in range(1_000):
        mixer.assistant(bytes(960), 24_000, 0)
    assert len(mixer._assistant) <= 6_400


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_any_rate_becomes_ours(rate_hz: int) -> None:
    piece = bytes(rate_hz // 50 * 2)
    assert len(at_rate(piece, rate_hz)) == 640


def test_a_loud_sum_is_clipped() -> None:
    loud = np.full(4, 30_000, np.int16).tobytes()
    assert set(np.frombuffer(mixed(loud, loud), np.int16)) == {32_767}


class Listener:
    """A browser that listens in."""

    def __init__(self, call: Call) -> None:
        self.call, self.watch = call, uuid4().hex
        self.pc = RTCPeerConnection()
        self.pc.addTrack(AudioStreamTrack())
        self.loudest = 0
        self.pc.on("track", self._hear)
        self._tasks: list[asyncio.Task[None]] = []

    def _hear(self, track: Any) -> None:
        self._tasks.append(asyncio.create_task(self._listen(track)))

    async def _listen(self, track: Any) -> None:
        while True:
            frame = await track.recv()
            self.loudest = max(self.loudest, int(np.abs(frame.to_ndarray()).max()))

    async def hears(self) -> bool:
        return self.loudest >= 1_000

    async def tell(self, command: str, **data: Any) -> None:
        assert self.call.node_id is not None
        values = data | {"watch": self.watch, "who": "Dora"}
        await bus.send_command(self.call.node_id, command, self.call.pk, values)

    async def join(self) -> dict[str, Any]:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(bus.listener_group(self.watch), channel)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        await self.tell("listen", sdp=self.pc.localDescription.sdp)
        async with asyncio.timeout(8):
            event: dict[str, Any] = (await layer.receive(channel))["event"]
        if event["type"] == "answer":
            await self.pc.setRemoteDescription(
                RTCSessionDescription(sdp=event["sdp"], type="answer")
            )
        return event

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.pc.close()


real_time = pytest.mark.asyncio
pytestmark = pytest.mark.slow


@real_time
@pytest.mark.django_db(transaction=True)
async def test_a_listener_hears_the_call_and_takes_it_over(bakery: House) -> None:
    talk = script(voice=Voice(word_s=1.0))
    async with serving(script=talk) as process:
        call = await start_call(bakery)
        async with Page(call) as page:
            await page.connect()
            listener, other = Listener(call), Listener(call)
            try:
                assert (await listener.join())["type"] == "answer"
                news = await page.hears("listener")
                assert (news["what"], news["who"]) == ("listening", "Dora")
                await page.tell("say", text="One two three four", end_after=False)
                await until(listener.hears, within_s=8)
                await listener.tell("take_over")
                live = process.calls[call.pk]

                async def is_joined() -> bool:
                    conversation = live.conversation
                    return conversation is not None and conversation.is_joined

                await until(is_joined, within_s=8)
                await listener.tell("listen_over", is_cut=True)  # its socket, no more
                assert (await other.join())["type"] == "answer"  # obeyed in turn
                assert not live.is_over
                await listener.tell("give_back")

                async def is_given_back() -> bool:
                    return page.of("listener")[-1]["what"] == "given_back"

                await until(is_given_back)
                assert not await is_joined()
                listener.loudest = 0
                await until(listener.hears, within_s=8)  # the assistant is back
                await listener.tell("take_over")
                await until(is_joined, within_s=8)
                await listener.tell("listen_over")
                ended = await has_status(call, "ended", within_s=10)
                assert ended.end_reason == "taken_over"
            finally:
                await listener.aclose()
                await other.aclose()
        await is_idle(process)


@real_time
@pytest.mark.django_db(transaction=True)
async def test_a_call_that_is_over_cannot_be_listened_to(
    bakery: House, node: VoiceNode
) -> None:
    async with serving() as process:
        call = await start_call(bakery)
        call.node_id = process.node_id
        listener = Listener(call)
        try:
            assert (await listener.join())["code"] == "call_over"
        finally:
            await listener.aclose()


class Microphone(FakeLink):
    """The page of somebody who listens; speaks when told."""

    async def speaks(self, value: int, seconds: float) -> None:
        for number in range(round(seconds * 50) + 25):
            sample = value if number < seconds * 50 else 0
            self._input.push(struct.pack("<h", sample) * 320)
            await asyncio.sleep(0.02)


def test_a_whisper_is_understood_and_told_to_the_assistant_alone(
    order: CallOrder,
) -> None:
    talk = script(
        user_says("Offer them a free cake", from_s=90.0, to_s=91.0),
        answers=[answer("You get a free cake.")],
    )
    held = HeldCall(order, talk, link=FakeLink(talk, ends_at_s=12))
    told: list[str] = []

    async def whisper(held: HeldCall) -> None:
        await held.at(3.0)
        microphone = Microphone(talk)
        ear = ListenIn("w", held.live, cast(Any, microphone))
        assert ear.begin_whisper()
        assert ear.begin_whisper()  # pressed twice is one whisper
        await microphone.speaks(FIRST_SAMPLE_VALUE, 1.0)
        told.append(await ear.finish_whisper())
        told.append(await ear.finish_whisper())

    held.run(whisper)
    assert told == ["Offer them a free cake", ""]
    said = held.turns()
    assert ("assistant", "You get a free cake.") in said
    assert all(speaker == "assistant" for speaker, _ in said)


def test_without_a_recogniser_a_whisper_is_refused(order: CallOrder) -> None:
    talk = script()
    held = HeldCall(order, talk, link=FakeLink(talk, ends_at_s=5))
    begun: list[bool] = []

    async def whisper(held: HeldCall) -> None:
        await held.at(2.0)
        assert held.live.conversation is not None
        deaf = SimpleNamespace(recogniser=None)
        live = SimpleNamespace(conversation=deaf)
        ear = ListenIn("w", cast(Any, live), cast(Any, Microphone(talk)))
        begun.append(ear.begin_whisper())

    held.run(whisper)
    assert begun == [False]
