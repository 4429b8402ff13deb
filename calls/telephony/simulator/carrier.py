"""The carrier whose network is this process."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from calls.telephony.protocol import (
    CarrierSetup,
    IncomingCall,
    PlaceRequest,
    Receptionist,
    RejectReason,
    TrunkConfig,
    TrunkHealth,
)
from calls.telephony.receiving import show
from calls.telephony.simulator.callees import callee_at
from calls.telephony.simulator.incoming import SimulatorIncomingLeg
from calls.telephony.simulator.leg import SimulatorLeg

# Legs that ended are remembered, so that a repeated order cannot ring somebody twice.
REMEMBERED_LEGS: Final = 1_000


class SimulatorCarrier:
    """Places calls to simulated callees; the same call id gives the same leg."""

    def __init__(self, receptionist: Receptionist | None = None) -> None:
        self._receptionist = receptionist
        self._legs: OrderedDict[UUID, SimulatorLeg] = OrderedDict()
        self._receiving: set[asyncio.Task[None]] = set()

    async def place(self, request: PlaceRequest) -> SimulatorLeg:
        leg = self._legs.get(request.call_id)
        if leg is None:
            leg = SimulatorLeg(request, callee_at(request.destination))
            self._legs[request.call_id] = leg
            self._forget_ended()
        return leg

    def call_in(
        self, *, reference: UUID, caller: str, called: str
    ) -> SimulatorIncomingLeg:
        """Let a simulated person call a number of ours; the same reference is one call."""
        known = self._legs.get(reference)
        if isinstance(known, SimulatorIncomingLeg):
            return known
        request = PlaceRequest(call_id=reference, caller_id=caller, destination=called)
        leg = SimulatorIncomingLeg(request)
        self._legs[reference] = leg
        self._forget_ended()
        call = IncomingCall(
            carrier="simulator",
            trunk_id=None,
            reference=str(reference),
            caller=caller,
            called=called,
            leg=leg,
        )
        task = asyncio.create_task(self._receive(call), name=f"caller {reference}")
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        return leg

    async def _receive(self, call: IncomingCall) -> None:
        try:
            if self._receptionist is not None:
                await show(call, self._receptionist)
        finally:
            await call.leg.reject(RejectReason.FAILED)

    async def start(self) -> None:
        """It opens nothing: people call in by `call_in`."""

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        """It has no trunks."""

    def health(self) -> dict[UUID, TrunkHealth]:
        return {}

    async def aclose(self) -> None:
        while self._legs:
            _, leg = self._legs.popitem()
            await leg.aclose()
        if self._receiving:
            await asyncio.wait(self._receiving)

    def _forget_ended(self) -> None:
        if len(self._legs) <= 2 * REMEMBERED_LEGS:
            return
        ended = [key for key, leg in self._legs.items() if leg.is_closed]
        for key in ended[:-REMEMBERED_LEGS]:
            del self._legs[key]


def from_setup(setup: CarrierSetup) -> SimulatorCarrier:
    """Return a carrier whose callers are shown to this process's receptionist."""
    return SimulatorCarrier(setup.receptionist)
