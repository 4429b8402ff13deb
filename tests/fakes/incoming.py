"""A telephone that calls us, in memory: it rings until we answer or turn it away."""

from __future__ import annotations

import asyncio

from calls.telephony.protocol import NoAnswerOutcome, NotAnswered, RejectReason
from tests.fakes.leg import FakeLeg
from tests.fakes.script import Script


class FakeIncomingLeg(FakeLeg):
    """`presses` are keys by the second after the audio connected."""

    def __init__(
        self,
        talk: Script | None = None,
        *,
        presses: tuple[tuple[float, str], ...] = (),
        ends_at_s: float | None = None,
    ) -> None:
        super().__init__(talk, ends_at_s=ends_at_s)
        self._presses = presses
        self.done: list[str] = []  # ring, early, answer, reject:<reason>
        self._pressing: asyncio.Task[None] | None = None

    async def ring(self) -> None:
        self.done.append("ring")

    async def answer_early(self) -> None:
        self.done.append("early")
        await self.wait_connected(5)

    async def answer(self) -> None:
        if self.closed_at_s is not None:
            raise NotAnswered(NoAnswerOutcome.NO_ANSWER, "The caller hung up.")
        self.done.append("answer")
        await self.wait_connected(5)
        self._pressing = asyncio.create_task(self._press(), name="keys")

    async def reject(
        self, reason: RejectReason, *, retry_after_s: int | None = None
    ) -> None:
        if self.closed_at_s is None:
            self.done.append(f"reject:{reason}")
        await self.aclose()

    async def aclose(self) -> None:
        pressing, self._pressing = self._pressing, None
        if pressing is not None:
            pressing.cancel()
            await asyncio.wait([pressing])
        await super().aclose()

    async def _press(self) -> None:
        for at_s, key in self._presses:
            await asyncio.sleep(max(0.0, at_s - self.now_s))
            self.digits.press(key)
