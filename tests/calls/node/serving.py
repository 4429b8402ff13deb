"""A `VoiceProcess` in this process, and a page that talks to it over real WebRTC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from channels.layers import get_channel_layer

from calls import bus
from calls.models import Call
from calls.node import database
from calls.node.process import VoiceProcess
from calls.node.studio import Studio
from calls.services.outbound import place_call
from calls.services.web import start_web_call
from calls.session.events import EndReason
from common.ids import uuid7
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FakeStudio
from tests.fakes.leg import FAKE_CARRIER
from tests.fakes.script import Script
from tests.world import House


@asynccontextmanager
async def serving(
    *,
    capacity: int = 5,
    script: Script | None = None,
    studio: Studio | None = None,
) -> AsyncIterator[VoiceProcess]:
    """Run a voice process; drain it at the end, and wait for it to leave."""
    process = VoiceProcess(capacity=capacity, studio=studio or FakeStudio(script))
    running = asyncio.create_task(process.run())
    ready = asyncio.create_task(process.is_ready.wait())
    await asyncio.wait({running, ready}, timeout=10, return_when="FIRST_COMPLETED")
    assert process.is_ready.is_set(), running
    try:
        yield process
    finally:
        process.drain()
        await asyncio.wait_for(running, 20)


async def start_call(house: House) -> Call:
    """Start a browser call, as a page's request does."""

    def start() -> Call:
        with organization_scope(house.organization):
            return start_web_call(
                organization=house.organization, assistant=house.assistant, actor=None
            ).call

    return await database.ask(start)


async def dial(house: House, destination: str = "+31205550001") -> Call:
    """Have the fake carrier called."""

    def place() -> Call:
        with organization_scope(house.organization):
            return place_call(
                organization=house.organization,
                assistant=house.assistant,
                destination=destination,
                call_id=uuid7(),
                actor=None,
                carrier=FAKE_CARRIER.name,
            )

    return await database.ask(place)


async def row(call_id: UUID) -> Call:
    def get() -> Call:
        with all_organizations("test"):
            return Call.objects.get(pk=call_id)

    return await database.ask(get)


async def until(
    condition: Callable[[], Awaitable[Any]], *, within_s: float = 5.0
) -> None:
    """Look in the database until something is true; nothing there tells us when."""
    for _ in range(round(within_s / 0.05)):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def has_status(call: Call, *statuses: str, within_s: float = 5.0) -> Call:
    """Wait until a call has one of these statuses."""

    async def reached() -> bool:
        return (await row(call.pk)).status in statuses

    try:
        await until(reached, within_s=within_s)
    except TimeoutError:
        now = await row(call.pk)
        raise AssertionError(f"{now.status} {now.end_reason} {now.error}") from None
    return await row(call.pk)


async def hang_up(call: Call) -> Call:
    """Ask for the end in the database alone, and wait for it."""

    def ask() -> None:
        with all_organizations("test"):
            Call.objects.filter(pk=call.pk).update(
                stop_reason=EndReason.OPERATOR_HANGUP
            )

    await database.ask(ask)
    return await has_status(call, "ended", within_s=4)


async def is_idle(process: VoiceProcess) -> None:
    """Wait until a process carries nothing."""

    async def carries_nothing() -> bool:
        return not process.calls

    await until(carries_nothing)


class Page:
    """A browser in a call: its socket's two directions, and its audio."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.pc = RTCPeerConnection()
        self.pc.addTrack(AudioStreamTrack())
        self.news: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Page:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(bus.call_group(self.call.pk), channel)
        self._listener = asyncio.create_task(self._listen(layer, channel))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.cancel()
        await asyncio.wait([self._listener])
        await self.pc.close()

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            self.news.append(message["event"])
            self._arrived.set()

    async def tell(self, command: str, **data: Any) -> None:
        assert self.call.node_id is not None
        await bus.send_command(self.call.node_id, command, self.call.pk, data)

    async def offer(self) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        await self.tell("offer", sdp=self.pc.localDescription.sdp)

    async def connect(self) -> None:
        """Offer, take the answer, and wait until the assistant could speak."""
        await self.offer()
        answer = await self.hears("answer")
        await self.pc.setRemoteDescription(
            RTCSessionDescription(sdp=answer["sdp"], type="answer")
        )
        await has_status(self.call, "in-progress")

    async def hears(self, kind: str, *, within_s: float = 8.0) -> dict[str, Any]:
        """Return the first event of a kind, waiting for it."""
        try:
            async with asyncio.timeout(within_s):
                while not (found := self.of(kind)):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} among {self.news}") from None
        return found[0]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.news if event["type"] == kind]
