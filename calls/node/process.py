"""The voice process: registered with a lease, it takes calls and carries them.

It reads commands from its group on the channel layer. A command is a hint: calls to
be dialled are also looked for in the database, and every heartbeat asks which calls
are to stop.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from typing import Any, Final
from uuid import UUID

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from calls import bus
from calls.media.webrtc import BadOffer, WebRTCLink
from calls.node import shelf
from calls.node.live_call import LiveCall
from calls.node.studio import Studio
from calls.services import finish, nodes, running
from calls.services.finish import Outcome
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.telephony.protocol import PlaceRequest
from calls.telephony.registry import OpenCarriers

logger = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0
RING_TIMEOUT_S: Final = 30.0
DRAIN_LIMIT_S: Final = 60.0


class VoiceProcess:
    """Carries up to `capacity` calls in one event loop."""

    def __init__(self, *, capacity: int) -> None:
        self.capacity = capacity
        self.node_id: UUID | None = None
        self._studio = Studio()
        self._carriers = OpenCarriers()
        self._calls: dict[UUID, LiveCall] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._is_draining = asyncio.Event()

    async def run(self) -> None:
        """Serve until `drain` was called and the last call has ended."""
        await self._studio.start()
        layer = get_channel_layer()
        node = await database_sync_to_async(nodes.register_node)(
            host=socket.gethostname(), pid=os.getpid(), capacity=self.capacity
        )
        self.node_id = node.pk
        await database_sync_to_async(shelf.salvage)()
        channel = await layer.new_channel()
        await layer.group_add(bus.node_group(node.pk), channel)
        # Everything heavy is loaded: keep it out of the collector's way, whose full
        # passes would otherwise stop the audio of every call for 70 ms and more.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 50, 1_000)
        heartbeat = asyncio.create_task(self._beat(), name="heartbeat")
        listener = asyncio.create_task(self._listen(layer, channel), name="commands")
        logger.info("voice process ready", extra={"node": str(node.pk)})
        try:
            await self._is_draining.wait()
            await self._drain()
        finally:
            listener.cancel()
            heartbeat.cancel()
            await self._carriers.aclose()
            await self._studio.aclose()
            await database_sync_to_async(nodes.retire_node)(node_id=node.pk)

    def drain(self) -> None:
        """Take no new call, finish those going on within a limit, then stop."""
        self._is_draining.set()

    async def _drain(self) -> None:
        assert self.node_id is not None
        await database_sync_to_async(nodes.drain_node)(node_id=self.node_id)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=DRAIN_LIMIT_S)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                await self._beat_once()
            except Exception:  # a database that is away must not end calls; try again
                logger.exception("heartbeat failed")
            due = max(due + HEARTBEAT_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _beat_once(self) -> None:
        assert self.node_id is not None
        stops = await database_sync_to_async(nodes.beat)(
            node_id=self.node_id, call_ids=list(self._calls)
        )
        for call_id, reason in stops.items():
            call = self._calls.get(call_id)
            if call is not None:
                await call.stop(EndReason(reason or EndReason.VOICE_PROCESS_LOST))
        if not self._is_draining.is_set():
            for call_id in await database_sync_to_async(running.waiting_calls)(
                node_id=self.node_id
            ):
                await self._place(call_id)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            try:
                await self._obey(
                    message["command"], UUID(message["call_id"]), message["data"]
                )
            except Exception:  # one bad command must not deafen the process
                logger.exception(
                    "command failed", extra={"command": message.get("command")}
                )

    async def _obey(self, command: str, call_id: UUID, data: dict[str, Any]) -> None:
        call = self._calls.get(call_id)
        if command == "offer":
            await self._offer(call_id, call, data["sdp"])
        elif command == "place":
            await self._place(call_id)
        elif call is None:
            logger.info("command for no call", extra={"command": command})
        elif command == "candidate":
            if isinstance(call.link, WebRTCLink):
                await call.link.add_candidate(data["candidate"])
        elif command == "hangup":
            await call.stop(EndReason.USER_HANGUP)
        elif command == "end":
            await call.stop(EndReason.OPERATOR_HANGUP, data.get("message", ""))
        elif command == "say" and call.session is not None:
            await call.session.say(data["text"], end_after=data["end_after"])
        elif command == "inject" and call.session is not None:
            await call.session.inject(data["content"], respond=data["respond"])

    async def _offer(self, call_id: UUID, call: LiveCall | None, sdp: str) -> None:
        """Answer the first offer of a call, or a new one after the network changed."""
        if call is None:
            order = await self._pick_up(call_id)
            if order is None:
                return
            link = WebRTCLink(configuration=self._studio.rtc_configuration(call_id))
            call = LiveCall(order, link, self._studio)
        elif not isinstance(call.link, WebRTCLink):
            return
        try:
            answer = await call.link.answer(sdp)
        except BadOffer as error:
            await bus.publish(
                call_id, {"type": "error", "code": "bad_offer", "message": str(error)}
            )
            if call_id not in self._calls:
                await call.link.aclose()
                await self._refuse(call.order, EndReason.NEVER_CONNECTED, str(error))
            return
        if call_id not in self._calls:
            self._start(call)
        await bus.publish(call_id, {"type": "answer", "sdp": answer})

    async def _place(self, call_id: UUID) -> None:
        order = await self._pick_up(call_id)
        if order is None:
            return
        try:
            leg = await self._carriers.get(order.carrier).place(
                PlaceRequest(
                    call_id=order.call_id,
                    caller_id=order.caller_number,
                    destination=order.callee_number,
                    ring_timeout_s=RING_TIMEOUT_S,
                )
            )
        except (
            Exception
        ) as error:  # a carrier that breaks fails its call, not the process
            logger.exception("carrier failed", extra={"carrier": order.carrier})
            await self._refuse(order, EndReason.CARRIER_FAILED, str(error))
            return
        self._start(LiveCall(order, leg, self._studio, leg=leg))

    async def _pick_up(self, call_id: UUID) -> CallOrder | None:
        assert self.node_id is not None
        if self._is_draining.is_set():
            return None
        return await database_sync_to_async(running.pick_up)(
            call_id=call_id, node_id=self.node_id
        )

    async def _refuse(self, order: CallOrder, reason: EndReason, error: str) -> None:
        await database_sync_to_async(finish.finish_call)(
            call_id=order.call_id,
            scope=order.scope,
            outcome=Outcome(reason, error=error),
        )

    def _start(self, call: LiveCall) -> None:
        call_id = call.order.call_id
        self._calls[call_id] = call
        task = asyncio.create_task(call.run(), name=f"call {call_id}")
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._forget(call_id))

    def _forget(self, call_id: UUID) -> None:
        self._calls.pop(call_id, None)
        self._tasks.pop(call_id, None)


def voice_process() -> VoiceProcess:
    """Return a process with the capacity the operator set."""
    return VoiceProcess(capacity=settings.VOICE_CAPACITY)
