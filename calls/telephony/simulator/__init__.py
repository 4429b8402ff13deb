"""A carrier of simulated people, for demos, tests and load: real audio, no network.

Who answers is decided by the number dialled, who calls by the number that calls;
`callees` has the table.
"""

from django.utils.translation import gettext_lazy as _

from calls.telephony.protocol import CarrierSpec
from calls.telephony.simulator.carrier import SimulatorCarrier

SPEC = CarrierSpec(
    name="simulator",
    label=_("Simulator (no real calls)"),
    factory=lambda setup: SimulatorCarrier(setup.receptionist),
)

__all__ = ["SPEC", "SimulatorCarrier"]
