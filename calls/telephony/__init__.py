"""Carriers: how a call reaches a telephone. Each is a folder that registers itself."""

from calls.telephony import simulator
from calls.telephony.protocol import (
    Carrier,
    CarrierSpec,
    Checklist,
    Leg,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    SetupStep,
)
from calls.telephony.registry import (
    OpenCarriers,
    UnknownCarrier,
    carrier_choices,
    carrier_spec,
    carrier_specs,
    register,
)

# Adding a carrier is one folder and one line here.
register(simulator.SPEC)

__all__ = [
    "Carrier",
    "CarrierSpec",
    "Checklist",
    "Leg",
    "NoAnswerOutcome",
    "NotAnswered",
    "OpenCarriers",
    "PlaceRequest",
    "SetupStep",
    "UnknownCarrier",
    "carrier_choices",
    "carrier_spec",
    "carrier_specs",
]
