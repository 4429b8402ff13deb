"""The key by which whoever we called asks never to be called again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.db import Error

from calls.models import CallWish
from calls.node import wishes
from calls.services.running import CallOrder
from calls.spoken import NOT_AGAIN, spoken

logger = logging.getLogger(__name__)


class OptOut:
    """Hears the keys of one leg; `leave` says the words and ends the call."""

    def __init__(
        self, order: CallOrder, leave: Callable[[str], Awaitable[None]]
    ) -> None:
        self._order, self._leave = order, leave
        self._noting: asyncio.Task[None] | None = None

    def hear(self, digit: str) -> None:
        """Take a key that was pressed; all but one mean something else."""
        if digit == self._order.opt_out_digit and self._noting is None:
            self._noting = asyncio.create_task(
                self._note(), name=f"opt-out {self._order.call_id}"
            )

    async def aclose(self) -> None:
        """Stop, also in the middle of it."""
        if self._noting is not None:
            self._noting.cancel()
            await asyncio.wait([self._noting])

    async def _note(self) -> None:
        """Write down that nobody may call this person again, say so, and leave."""
        try:
            await wishes.leave_alone(self._order, CallWish.Way.DIGIT)
        except Error:  # it cannot be promised: the call goes on, the key counts
            logger.exception(
                "wish not kept", extra={"call_id": str(self._order.call_id)}
            )
            self._noting = None
            return
        await self._leave(spoken(NOT_AGAIN, self._order.spec.language))
