"""A telephone in memory, and the carrier that reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from calls.telephony.digits import DigitBox, checked_digits
from calls.telephony.protocol import (
    CarrierSetup,
    CarrierSpec,
    DigitListener,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    TransferRefused,
    TrunkConfig,
    TrunkHealth,
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
        self.digits = DigitBox()
        self.sent_digits = ""
        self.is_on_hold = False
        self.transfers: list[str] = []
        self.transfer_refusal: TransferRefused | None = None

    async def wait_answered(self) -> None:
        try:
            async with asyncio.timeout(self._rings_s):
                await self._hung_up.wait()
        except TimeoutError:
            if self._refusal is not None:
                raise self._refusal from None
        else:
            raise NotAnswered(NoAnswerOutcome.NO_ANSWER, "hung up while it rang")

    def set_digit_listener(self, listener: DigitListener | None) -> None:
        self.digits.listen(listener)

    async def send_digits(self, digits: str) -> None:
        self.sent_digits += checked_digits(digits)

    async def hold(self) -> None:
        self.is_on_hold = True

    async def resume(self) -> None:
        self.is_on_hold = False

    async def transfer(self, destination: str) -> None:
        if self.transfer_refusal is not None:
            raise self.transfer_refusal
        self.transfers.append(destination)
        self.hang_up()

    async def aclose(self) -> None:
        self._hung_up.set()
        await super().aclose()


class FakeCarrier:
    """Rings shortly and answers; numbers that end in 9 make it fail."""

    def __init__(self, setup: CarrierSetup | None = None) -> None:
        self.receptionist = setup.receptionist if setup else None
        self.trunks: Sequence[TrunkConfig] = ()
        self.legs: dict[UUID, FakeLeg] = {}

    async def start(self) -> None:
        pass

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        self.trunks = trunks

    def health(self) -> dict[UUID, TrunkHealth]:
        return {trunk.id: TrunkHealth(trunk.id) for trunk in self.trunks}

    async def place(self, request: PlaceRequest) -> Any:  # its `hang_up` is sync
        if request.destination.endswith("9"):
            raise ConnectionError("the trunk is down")
        return self.legs.setdefault(request.call_id, FakeLeg(rings_s=0.05))

    async def aclose(self) -> None:
        for leg in self.legs.values():
            await leg.aclose()


FAKE_CARRIER = register(CarrierSpec("fake", "Fake", FakeCarrier))
