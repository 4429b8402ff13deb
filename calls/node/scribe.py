"""Writes a call down while it goes on, without making the audio wait.

The session hands over events; a task of its own stores what must be kept and shows
the rest to watchers, in order. A database that is away for a moment is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any, Final

from channels.db import database_sync_to_async
from django.db import DatabaseError

from calls import bus
from calls.services import running
from calls.services.running import CallOrder
from calls.session.events import (
    ActivityChanged,
    Caption,
    SessionEnded,
    SessionEvent,
    ToolCalled,
    TurnSpoken,
    VendorTrouble,
)

logger = logging.getLogger(__name__)

_TRIES: Final = 6
_RETRY_DELAY_S: Final = 1.0
_FLUSH_TIMEOUT_S: Final = 8.0
_MAX_WAITING: Final = 2_000


class Scribe:
    """Takes a session's events, in order, and never blocks it."""

    def __init__(self, order: CallOrder) -> None:
        self._order = order
        self._events: asyncio.Queue[SessionEvent | None] = asyncio.Queue(_MAX_WAITING)
        self._turns = 0
        self._task = asyncio.create_task(self._run(), name=f"scribe {order.call_id}")

    async def __call__(self, event: SessionEvent) -> None:
        """Take an event; a caption is dropped when the queue is full, a turn waits."""
        if isinstance(event, Caption | ActivityChanged) and self._events.full():
            return
        await self._events.put(event)

    async def aclose(self) -> None:
        """Write what is left, within a few seconds, and stop."""
        try:
            async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                await self._events.put(None)
                await asyncio.shield(self._task)
        except TimeoutError:
            logger.warning(
                "scribe gave up", extra={"call_id": str(self._order.call_id)}
            )
        finally:
            self._task.cancel()

    async def _run(self) -> None:
        while (event := await self._events.get()) is not None:
            try:
                await self._take(event)
            except DatabaseError:
                logger.exception(
                    "event lost", extra={"call_id": str(self._order.call_id)}
                )

    async def _take(self, event: SessionEvent) -> None:
        match event:
            case TurnSpoken():
                index, self._turns = self._turns, self._turns + 1
                await self._store(running.record_turn, index=index, turn=event)
            case ToolCalled():
                await self._store_event("tool_called", event)
            case VendorTrouble():
                await self._store_event("vendor_trouble", event)
        if not isinstance(event, SessionEnded):
            await bus.publish(self._order.call_id, shown(event))

    async def _store_event(self, kind: str, event: ToolCalled | VendorTrouble) -> None:
        at_ms = event.started_ms if isinstance(event, ToolCalled) else event.at_ms
        await self._store(
            running.record_event, kind=kind, data=asdict(event), at_ms=max(0, at_ms)
        )

    async def _store(self, service: Any, **values: Any) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                await database_sync_to_async(service)(order=self._order, **values)
            except DatabaseError:
                if attempt == _TRIES:
                    raise
                await asyncio.sleep(_RETRY_DELAY_S)
            else:
                return


def shown(event: SessionEvent) -> dict[str, Any]:
    """Return an event as the browser reads it."""
    kinds = {
        Caption: "caption",
        TurnSpoken: "turn",
        ActivityChanged: "activity",
        ToolCalled: "tool",
        VendorTrouble: "trouble",
        SessionEnded: "session_ended",
    }
    return {"type": kinds[type(event)], **asdict(event)}
