"""Carriers: how a call reaches a telephone. Each is a folder that registers itself."""

from calls.telephony import simulator, sip, telnyx, twilio
from calls.telephony.protocol import (
    BadTrunk,
    Carrier,
    CarrierSetup,
    CarrierSpec,
    Checklist,
    IncomingCall,
    IncomingLeg,
    Leg,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    ProbeStep,
    Receptionist,
    Registration,
    RejectReason,
    SetupStep,
    TransferFailure,
    TransferRefused,
    TrunkConfig,
    TrunkHealth,
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
register(sip.SPEC)
register(twilio.SPEC)
register(telnyx.SPEC)

__all__ = [
    "BadTrunk",
    "Carrier",
    "CarrierSetup",
    "CarrierSpec",
    "Checklist",
    "IncomingCall",
    "IncomingLeg",
    "Leg",
    "NoAnswerOutcome",
    "NotAnswered",
    "OpenCarriers",
    "PlaceRequest",
    "ProbeStep",
    "Receptionist",
    "Registration",
    "RejectReason",
    "SetupStep",
    "TransferFailure",
    "TransferRefused",
    "TrunkConfig",
    "TrunkHealth",
    "UnknownCarrier",
    "carrier_choices",
    "carrier_spec",
    "carrier_specs",
]
