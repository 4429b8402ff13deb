"""Writes a call down while it goes on, without making the audio wait.

The session hands over events; a task of its own stores what must be kept and shows
the rest to watchers, in order. A database that is away is waited for: during the call
as long as it takes, after it for `FLUSH_TIMEOUT_S`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from calls import bus
from calls.node import database
from calls.services import listening, running
from calls.services.running import CallOrder
from calls.session.events import (
    ActivityChanged,
    Answered,
    Caption,
    Disclosed,
    GivenBack,
    SessionEnded,
    SessionEvent,
    ToolCalled,
    TransferAsked,
    TurnSpoken,
    Usage,
    VendorReplaced,
    VendorTrouble,
)
from common.edges import contained
from common.ids import uuid7

logger = logging.getLogger(__name__)

FLUSH_TIMEOUT_S: Final = 20.0
_MAX_WAITING: Final = 2_000


class Scribe:
    """Takes a session's events, in order, and never blocks it."""

    def __init__(self, order: CallOrder, usage: Callable[[], Usage] = Usage) -> None:
        self._order, self._usage = order, usage
        self._events: asyncio.Queue[SessionEvent | None] = asyncio.Queue(_MAX_WAITING)
        self._turns = 0
        self._task = asyncio.create_task(self._run(), name=f"scribe {order.call_id}")

    async def __call__(self, event: SessionEvent) -> None:
        """Take an event; a caption is dropped when the queue is full, a turn waits."""
        if isinstance(event, Caption | ActivityChanged) and self._events.full():
            return
        await self._events.put(event)

    async def aclose(self) -> None:
        """Write what is left, within `FLUSH_TIMEOUT_S`, and stop."""
        try:
            async with asyncio.timeout(FLUSH_TIMEOUT_S):
                await self._events.put(None)
                await asyncio.shield(self._task)
        except TimeoutError:
            logger.error(
                "call not all written down",
                extra={
                    "call_id": str(self._order.call_id),
                    "lost": self._events.qsize(),
                },
            )
        finally:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while (event := await self._events.get()) is not None:
            # One event that cannot be stored must not cost the rest.
            with contained(logger, "event lost", call_id=str(self._order.call_id)):
                await self._take(event)

    async def _take(self, event: SessionEvent) -> None:
        match event:
            case TurnSpoken():
                index, self._turns = self._turns, self._turns + 1
                await self._store(
                    running.record_turn,
                    index=index,
                    turn=event,
                    usage=asdict(self._usage()),
                )
            case ToolCalled():
                await self._store_event("tool_called", event, event.started_ms)
            case TransferAsked():
                await self._store_event("transfer_asked", event, event.at_ms)
            case GivenBack():
                await database.insist(
                    listening.note_given_back,
                    patience_s=float("inf"),
                    scope=self._order.scope,
                    call_id=self._order.call_id,
                    event_id=uuid7(),
                    back=event,
                )
            case Disclosed():
                await self._store_event("ai_disclosed", event, event.at_ms)
            case Answered():
                await self._store_event("answered_by", event, event.at_ms)
            case VendorTrouble():
                await self._store_event("vendor_trouble", event, event.at_ms)
            case VendorReplaced():
                await self._store_event("vendor_replaced", event, event.at_ms)
        if not isinstance(event, SessionEnded):
            await bus.publish(self._order.call_id, shown(event))

    async def _store_event(
        self,
        kind: str,
        event: ToolCalled
        | TransferAsked
        | Disclosed
        | Answered
        | VendorTrouble
        | VendorReplaced,
        at_ms: int,
    ) -> None:
        await self._store(
            running.record_event,
            event_id=uuid7(),
            kind=kind,
            data=asdict(event),
            at_ms=max(0, at_ms),
        )

    async def _store(self, service: Any, **values: Any) -> None:
        await database.insist(
            service, patience_s=float("inf"), order=self._order, **values
        )


def shown(event: SessionEvent) -> dict[str, Any]:
    """Return an event as the browser reads it."""
    if isinstance(event, GivenBack):  # whose account it is, is for nobody else
        return {"type": "listener", "what": "given_back", "who": event.who}
    kinds = {
        Caption: "caption",
        TurnSpoken: "turn",
        ActivityChanged: "activity",
        ToolCalled: "tool",
        TransferAsked: "transfer",
        Disclosed: "disclosed",
        Answered: "answered",
        VendorTrouble: "trouble",
        VendorReplaced: "replaced",
        SessionEnded: "session_ended",
    }
    return {"type": kinds[type(event)], **asdict(event)}
