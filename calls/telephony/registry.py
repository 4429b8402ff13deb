"""Which carriers there are, and the ones a voice process has open."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from calls.telephony.protocol import (
    Carrier,
    CarrierSetup,
    CarrierSpec,
    TrunkConfig,
    TrunkHealth,
)

logger = logging.getLogger(__name__)

_specs: dict[str, CarrierSpec] = {}


class UnknownCarrier(LookupError):
    """No carrier of this name is registered."""


def register(spec: CarrierSpec) -> CarrierSpec:
    """Make a carrier known; a name can be taken once."""
    if spec.name in _specs:
        raise ValueError(f"Two carriers are called {spec.name!r}.")
    _specs[spec.name] = spec
    return spec


def carrier_spec(name: str) -> CarrierSpec:
    """Return the carrier of this name, or raise `UnknownCarrier`."""
    try:
        return _specs[name]
    except KeyError:
        raise UnknownCarrier(name) from None


def carrier_specs() -> list[CarrierSpec]:
    """Return every carrier, in the order of registration."""
    return list(_specs.values())


def carrier_choices() -> list[tuple[str, str]]:
    """Return name and label of every carrier, for forms."""
    return [(spec.name, str(spec.label)) for spec in carrier_specs()]


class OpenCarriers:
    """One process's carriers: made when first needed, closed together."""

    def __init__(self, setup: CarrierSetup | None = None) -> None:
        self._setup = setup or CarrierSetup()
        self._open: dict[str, Carrier] = {}

    def get(self, name: str) -> Carrier:
        """Return this process's carrier of that name, or raise `UnknownCarrier`."""
        carrier = self._open.get(name)
        if carrier is None:
            carrier = self._open[name] = carrier_spec(name).factory(self._setup)
        return carrier

    async def start(self) -> None:
        """Open every carrier that takes calls; one that cannot costs no other."""
        for spec in carrier_specs():
            if not spec.takes_calls:
                continue
            try:
                await self.get(spec.name).start()
            except (OSError, ValueError):  # a port in use, a bad certificate or address
                logger.exception("carrier not started", extra={"carrier": spec.name})

    async def configure(self, trunks: Sequence[TrunkConfig]) -> None:
        """Tell each carrier its trunks: all of them, each time."""
        by_carrier: dict[str, list[TrunkConfig]] = {name: [] for name in self._open}
        for trunk in trunks:
            by_carrier.setdefault(trunk.carrier, []).append(trunk)
        for name, its_trunks in by_carrier.items():
            try:
                await self.get(name).configure(its_trunks)
            except (UnknownCarrier, OSError, ValueError):  # see `start`
                logger.exception("carrier not configured", extra={"carrier": name})

    def health(self) -> dict[UUID, TrunkHealth]:
        """Return what the open carriers know of their trunks."""
        health: dict[UUID, TrunkHealth] = {}
        for carrier in self._open.values():
            health |= carrier.health()
        return health

    async def aclose(self) -> None:
        """Hang up every call of every carrier; safe to call twice."""
        while self._open:
            _, carrier = self._open.popitem()
            await carrier.aclose()
