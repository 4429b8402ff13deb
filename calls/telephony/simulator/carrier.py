"""The carrier whose network is this process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from calls.telephony.protocol import PlaceRequest, TrunkConfig, TrunkHealth
from calls.telephony.simulator.callees import callee_at
from calls.telephony.simulator.leg import SimulatorLeg

# Legs that ended are remembered, so that a repeated order cannot ring somebody twice.
REMEMBERED_LEGS: Final = 1_000


class SimulatorCarrier:
    """Places calls to simulated callees; the same call id gives the same leg."""

    def __init__(self) -> None:
        self._legs: OrderedDict[UUID, SimulatorLeg] = OrderedDict()

    async def place(self, request: PlaceRequest) -> SimulatorLeg:
        leg = self._legs.get(request.call_id)
        if leg is None:
            leg = SimulatorLeg(request, callee_at(request.destination))
            self._legs[request.call_id] = leg
            self._forget_ended()
        return leg

    async def start(self) -> None:
        """Nobody calls in: simulated people only answer."""

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        """It has no trunks."""

    def health(self) -> dict[UUID, TrunkHealth]:
        return {}

    async def aclose(self) -> None:
        while self._legs:
            _, leg = self._legs.popitem()
            await leg.aclose()

    def _forget_ended(self) -> None:
        if len(self._legs) <= 2 * REMEMBERED_LEGS:
            return
        ended = [key for key, leg in self._legs.items() if leg.is_closed]
        for key in ended[:-REMEMBERED_LEGS]:
            del self._legs[key]
