"""A carrier of simulated people, for demos, tests and load: real audio, no network.

Who answers is decided by the number dialled, who calls by the number that calls;
`callees` has the table.
"""

from django.utils.translation import gettext_lazy as _

from calls.telephony.on_use import OnUse
from calls.telephony.protocol import CarrierSpec

SPEC = CarrierSpec(
    name="simulator",
    label=_("Simulator (no real calls)"),
    places={"us": "own", "eu": "own"},  # in this process
    factory=OnUse("calls.telephony.simulator.carrier.from_setup"),
)

__all__ = ["SPEC"]
