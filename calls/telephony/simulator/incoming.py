"""Simulated people who call us: they ring until somebody answers, then talk.

Who calls is decided by their number, as in `callees`; what they press is theirs too.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from calls.telephony.protocol import (
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    RejectReason,
)
from calls.telephony.simulator.behaviour import CalleeBehaviour
from calls.telephony.simulator.callees import Callee, callee_at
from calls.telephony.simulator.leg import SimulatorLeg
from calls.telephony.simulator.speech import voices_for

GIVES_UP_AFTER_S: Final = 30.0


class SimulatorIncomingLeg(SimulatorLeg):
    """An `IncomingLeg` whose other end is a simulated caller.

    `rejected_with` says how we turned the caller away, for tests and logs.
    """

    def __init__(self, request: PlaceRequest, caller: Callee | None = None) -> None:
        self._may_talk = asyncio.Event()
        self.is_ringing = False
        self.is_early = False
        self.rejected_with: RejectReason | None = None
        super().__init__(request, caller or caller_at(request.caller_id))

    async def ring(self) -> None:
        self.is_ringing = True

    async def answer_early(self) -> None:
        self.is_early = True
        await self._open()

    async def answer(self) -> None:
        self.is_early = False
        await self._open()

    async def reject(
        self, reason: RejectReason, *, retry_after_s: int | None = None
    ) -> None:
        if not self.is_closed:
            self.rejected_with = reason
        await self.aclose()

    async def _open(self) -> None:
        self._may_talk.set()
        await self.wait_answered()

    async def _ring(self) -> None:
        """Wait until somebody answers, or give up; the voices are made meanwhile."""
        making = asyncio.ensure_future(voices_for(self._callee.phrases))
        try:
            async with asyncio.timeout(GIVES_UP_AFTER_S):
                await self._may_talk.wait()
            self.behaviour = CalleeBehaviour(self._callee, await making)
        except TimeoutError:
            raise NotAnswered(
                NoAnswerOutcome.NO_ANSWER, "The caller gave up."
            ) from None
        finally:
            making.cancel()
            making.add_done_callback(lambda f: f.cancelled() or f.exception())


def caller_at(number: str) -> Callee:
    """Return who calls from `number`: the person of the table, never a machine."""
    known = callee_at(number)
    if known.refusal is not None or known.greeting:
        known = callee_at("+31205550001")
    return replace(known, ring_s=0.0)
