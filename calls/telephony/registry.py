"""Which carriers there are, and the ones a voice process has open."""

from __future__ import annotations

from calls.telephony.protocol import Carrier, CarrierSpec

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
    """One process's carriers: made when first asked for, closed together."""

    def __init__(self) -> None:
        self._open: dict[str, Carrier] = {}

    def get(self, name: str) -> Carrier:
        """Return this process's carrier of that name, or raise `UnknownCarrier`."""
        carrier = self._open.get(name)
        if carrier is None:
            carrier = self._open[name] = carrier_spec(name).factory()
        return carrier

    async def aclose(self) -> None:
        """Hang up every call of every carrier; safe to call twice."""
        while self._open:
            _, carrier = self._open.popitem()
            await carrier.aclose()
