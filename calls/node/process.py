"""The voice process: registered with a lease, it takes calls and carries them.

It reads commands from its group on the channel layer. A command is a hint: calls to
be dialled are also looked for in the database, and every heartbeat asks which calls
are to stop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings

from calls import bus
from calls.errors import NodeForgotten
from calls.models import Call
from calls.node import database, shelf
from calls.node.collector import quiet_collector
from calls.node.lanes import Lanes
from calls.node.live_call import LiveCall
from calls.node.reception import Reception
from calls.node.studio import Studio
from calls.services import finish, nodes, running
from calls.session.events import EndReason
from common.edges import contained
from common.ids import uuid7

logger = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0
DRAIN_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 30.0
UNCLAIMED_LOOKS: Final = 12
_LOOK_EVERY_S: Final = 0.25
_SALVAGE_EVERY_S: Final = 30.0
_TRUNKS_EVERY_S: Final = 3.0


class VoiceProcess:
    """Carries the calls placed on it, which are never more than `capacity`."""

    def __init__(self, *, capacity: int, studio: Studio | None = None) -> None:
        self.capacity = capacity
        self.node_id = uuid7()
        self.is_ready = asyncio.Event()
        self.calls: dict[UUID, LiveCall] = {}
        self._studio = studio or Studio()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._reception = Reception(self.node_id, self._studio, self.calls, self._start)
        self._lanes = Lanes(self._reception.obey)
        self._hears = asyncio.Event()
        self._is_draining = asyncio.Event()

    async def run(self) -> None:
        """Serve until `drain` was called and the last call has ended."""
        loops: list[asyncio.Task[None]] = []
        try:
            await self._studio.start()
            await self._reception.start()
            loops.append(asyncio.create_task(self._listen(), name="commands"))
            await self._hears.wait()  # first: a call may come as soon as it is known
            await database.ask(
                nodes.register_node,
                node_id=self.node_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                capacity=self.capacity,
            )
            loops.append(asyncio.create_task(self._beat(), name="heartbeat"))
            for work, every_s, trouble in (
                (self._salvage, _SALVAGE_EVERY_S, "recordings not salvaged"),
                (self._reception.configure, _TRUNKS_EVERY_S, "trunks not read"),
            ):
                repeated = self._repeat(work, every_s, trouble)
                loops.append(asyncio.create_task(repeated, name=trouble))
            with quiet_collector():
                logger.info("voice process ready", extra={"node": str(self.node_id)})
                self.is_ready.set()
                await self._is_draining.wait()
                await self._drain()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._lanes.aclose()
            await self._reception.aclose()
            await self._studio.aclose()
            await self._retire()

    def drain(self) -> None:
        """Take no new call, finish those going on within a limit, then stop."""
        self._is_draining.set()

    async def _drain(self) -> None:
        """Calls placed here before still come in; what nobody claims is ended."""
        await database.ask(nodes.drain_node, node_id=self.node_id)
        await self._wait_for_unclaimed()
        await self._wait_for_calls(DRAIN_LIMIT_S)
        self._reception.close()
        for call in list(self.calls.values()):
            await call.stop(
                EndReason.VOICE_PROCESS_LOST,
                error="The voice service was restarted during the call.",
            )
        await self._wait_for_calls(STOP_LIMIT_S)
        for task in self._tasks.values():
            task.cancel()
        await self._wait_for_calls(STOP_LIMIT_S)
        await database.ask(finish.end_unclaimed_calls, node_id=self.node_id)

    async def _retire(self) -> None:
        try:
            await database.ask(nodes.retire_node, node_id=self.node_id)
        except database.AWAY:  # without a heartbeat it gets no calls either
            logger.warning("voice process left without a word", exc_info=True)

    async def _wait_for_unclaimed(self) -> None:
        for _ in range(UNCLAIMED_LOOKS):
            waiting = await database.ask(
                running.waiting_calls, node_id=self.node_id, direction=None
            )
            if not waiting:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _wait_for_calls(self, limit_s: float) -> None:
        """Until no call goes on and none is being taken in, or the limit is reached."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + limit_s
        while (left_s := until_s - loop.time()) > 0:
            going_on = [*self._tasks.values(), *self._lanes.tasks]
            if not going_on:
                return
            await asyncio.wait(going_on, timeout=left_s)

    # --- loops: each lives as long as the process, whatever fails ---

    async def _listen(self) -> None:
        layer = get_channel_layer()
        while True:
            # A layer that is away; the table is looked at meanwhile.
            with contained(logger, "commands cannot be heard"):
                channel = await layer.new_channel()
                await layer.group_add(bus.node_group(self.node_id), channel)
                self._hears.set()
                while True:
                    self._take(await layer.receive(channel))
            await asyncio.sleep(HEARTBEAT_S)

    def _take(self, message: Any) -> None:
        try:
            self._lanes.take(message)
            for call_id in message["data"].get("also", ()):  # placed together
                self._lanes.put(message["command"], UUID(call_id), {})
        except (KeyError, TypeError, ValueError):
            logger.exception("no command of ours")

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # A database that is away must not end calls; it is tried again.
            with contained(logger, "heartbeat failed"):
                try:
                    await self._beat_once()
                except NodeForgotten:  # silent for an hour: nobody places calls here
                    logger.error("voice process was struck off, leaving")
                    self.drain()
            due = max(due + HEARTBEAT_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _beat_once(self) -> None:
        calls = dict(self.calls)
        stops = await database.beat(
            nodes.beat,
            node_id=self.node_id,
            call_ids=list(calls),
            silent=frozenset(pk for pk, call in calls.items() if call.is_over),
        )
        for call_id, reason in stops.items():
            await calls[call_id].stop(EndReason(reason or EndReason.VOICE_PROCESS_LOST))
        for call_id in await database.beat(
            running.waiting_calls,
            node_id=self.node_id,
            direction=Call.Direction.OUTBOUND,
        ):
            if not self._lanes.is_busy(call_id):
                self._lanes.put("place", call_id, {})

    async def _repeat(
        self, work: Callable[[], Awaitable[object]], every_s: float, trouble: str
    ) -> None:
        while True:
            with contained(logger, trouble):  # such as a database that is away
                await work()
            await asyncio.sleep(every_s)

    async def _salvage(self) -> None:
        await database.ask(shelf.salvage, except_for=frozenset(self.calls))

    # --- calls ---

    def _start(self, call: LiveCall) -> asyncio.Task[None]:
        call_id = call.order.call_id
        self.calls[call_id] = call
        task = asyncio.create_task(call.run(), name=f"call {call_id}")
        self._tasks[call_id] = task
        task.add_done_callback(lambda _: self._forget(call_id))
        return task

    def _forget(self, call_id: UUID) -> None:
        del self.calls[call_id]
        del self._tasks[call_id]


def voice_process() -> VoiceProcess:
    """Return a process with the capacity the operator set."""
    return VoiceProcess(capacity=settings.VOICE_CAPACITY)
