"""Commands of one call in order, commands of different calls side by side.

    put ──▶ lane of call A   ▣▣▣ ──▶ one at a time
       └──▶ lane of call B   ▣   ──▶ one at a time

A lane is a task that lives while something waits in it. A layer that delivers a command
twice (after a reconnect, for instance) is noticed by the command's id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from calls.bus import NodeCommand
from common.edges import contained

logger = logging.getLogger(__name__)

MAX_LANES: Final = 1_000
MAX_WAITING: Final = 100  # of one call: an offer and its candidates are some twenty
_REMEMBERED: Final = 5_000

Handler = Callable[[str, UUID, dict[str, Any]], Awaitable[None]]


class Lanes:
    """Hands each command to `handle`; what does not fit any more is dropped."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._waiting: dict[UUID, deque[tuple[str, dict[str, Any]]]] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._seen: dict[str, None] = {}  # a set in order of arrival

    def take(self, message: NodeCommand) -> None:
        """Put a command as it comes from the channel layer, unless it came before."""
        if message["id"] in self._seen:
            return
        self._seen[message["id"]] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self.put(message["command"], UUID(message["call_id"]), message["data"])

    def put(self, command: str, call_id: UUID, data: dict[str, Any]) -> None:
        lane = self._waiting.get(call_id)
        if lane is None and len(self._waiting) < MAX_LANES:
            lane = self._waiting[call_id] = deque()
            task = asyncio.create_task(self._run(call_id, lane), name=f"lane {call_id}")
            self._tasks[call_id] = task
        if lane is None or len(lane) >= MAX_WAITING:
            logger.warning("command dropped", extra={"command": command})
            return
        lane.append((command, data))

    def is_busy(self, call_id: UUID) -> bool:
        return call_id in self._waiting

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """One for each lane in which something is going on."""
        return list(self._tasks.values())

    async def aclose(self) -> None:
        """Stop, in the middle of a command if need be."""
        tasks = self.tasks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(
        self, call_id: UUID, lane: deque[tuple[str, dict[str, Any]]]
    ) -> None:
        try:
            while lane:
                command, data = lane.popleft()
                # One bad command must not stop those behind it.
                with contained(logger, "command failed", command=command):
                    await self._handle(command, call_id, data)
        finally:
            del self._waiting[call_id]
            del self._tasks[call_id]
