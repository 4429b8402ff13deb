"""One conversation and what is known of it: call, turns, events; numbers; voice nodes."""

from calls.models.alert import CallAlert
from calls.models.analysis import CallAnalysis
from calls.models.call import Call
from calls.models.consent import RecordingConsent
from calls.models.count import CallCount
from calls.models.guard import CallGuard, Halt
from calls.models.node import VoiceNode
from calls.models.number import PhoneNumber
from calls.models.pace import TrunkPace
from calls.models.retention import Erasure, RetentionRun
from calls.models.transfer import Transfer
from calls.models.trunk import Trunk
from calls.models.turn import CallEvent, Turn
from calls.models.widget import Widget
from calls.models.wish import CallWish

__all__ = [
    "Call",
    "CallAlert",
    "CallAnalysis",
    "CallCount",
    "CallEvent",
    "CallGuard",
    "CallWish",
    "Erasure",
    "Halt",
    "PhoneNumber",
    "RecordingConsent",
    "RetentionRun",
    "Transfer",
    "Trunk",
    "TrunkPace",
    "Turn",
    "VoiceNode",
    "Widget",
]
