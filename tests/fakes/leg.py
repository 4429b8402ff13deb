"""A telephone in memory, and the carrier that reaches it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from calls.telephony.protocol import (
    CarrierSpec,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
)
from calls.telephony.registry import register
from tests.fakes.link import FakeLink
from tests.fakes.script import Script


class FakeLeg(FakeLink):
    """A telephone that rings for a while, then answers or does not."""

    def __init__(
        self,
        talk: Script | None = None,
        *,
        rings_s: float = 3.0,
        refusal: NotAnswered | None = None,
        ends_at_s: float | None = None,
    ) -> None:
        super().__init__(talk or Script(), ends_at_s=ends_at_s)
        self._rings_s = rings_s
        self._refusal = refusal
        self._hung_up = asyncio.Event()

    async def wait_answered(self) -> None:
        try:
            async with asyncio.timeout(self._rings_s):
                await self._hung_up.wait()
        except TimeoutError:
            if self._refusal is not None:
                raise self._refusal from None
        else:
            raise NotAnswered(NoAnswerOutcome.NO_ANSWER, "hung up while it rang")

    async def aclose(self) -> None:
        self._hung_up.set()
        await super().aclose()


class FakeCarrier:
    """Rings shortly and answers; numbers that end in 9 make it fail."""

    def __init__(self) -> None:
        self.legs: dict[UUID, FakeLeg] = {}

    async def place(self, request: PlaceRequest) -> Any:  # its `hang_up` is sync
        if request.destination.endswith("9"):
            raise ConnectionError("the trunk is down")
        return self.legs.setdefault(request.call_id, FakeLeg(rings_s=0.05))

    async def aclose(self) -> None:
        for leg in self.legs.values():
            await leg.aclose()


FAKE_CARRIER = register(CarrierSpec("fake", "Fake", FakeCarrier))
