"""Events on their way to the sink: in order, one at a time, and never in the way.

The conversation does not wait for its sink. Should the sink be slow, captions are the
first to go, because the next one says more; nothing else is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from calls.session.events import Caption, EventSink, SessionEvent
from common.edges import contained

logger = logging.getLogger(__name__)

MAX_WAITING_CAPTIONS = 50


class Outbox:
    """Delivers what is `put` to one sink from one task."""

    def __init__(self, sink: EventSink, *, timeout_s: float) -> None:
        self._sink = sink
        self._timeout_s = timeout_s
        self._waiting: deque[SessionEvent] = deque()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._task = asyncio.create_task(self._deliver(), name="session-outbox")

    def put(self, event: SessionEvent) -> None:
        """Queue an event; after `aclose` it is dropped."""
        if self._is_closing:
            return
        if isinstance(event, Caption) and len(self._waiting) >= MAX_WAITING_CAPTIONS:
            return
        self._waiting.append(event)
        self._wake.set()

    async def aclose(self, last: SessionEvent) -> None:
        """Deliver all that waits and then `last`, and let go of the sink.

        Takes at most two time limits. When the sink is too slow for the rest, `last`
        alone is tried, once.
        """
        self.put(last)
        self._is_closing = True
        self._wake.set()
        done, _ = await asyncio.wait([self._task], timeout=self._timeout_s)
        if not done:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._waiting:
            logger.error(
                "session sink too slow", extra={"lost": len(self._waiting) - 1}
            )
            self._waiting.clear()
            await self._hand_over(last)
        self._sink = _nowhere

    async def _deliver(self) -> None:
        while True:
            while self._waiting:
                await self._hand_over(self._waiting.popleft())
            if self._is_closing:
                return
            self._wake.clear()
            await self._wake.wait()

    async def _hand_over(self, event: SessionEvent) -> None:
        # A sink must not end a conversation.
        with contained(logger, "session sink failed", event=type(event).__name__):
            async with asyncio.timeout(self._timeout_s):
                await self._sink(event)


async def _nowhere(event: SessionEvent) -> None:
    """Where events go when all has been told."""
