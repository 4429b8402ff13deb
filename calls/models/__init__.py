"""One conversation and what is known of it: call, turns, events; numbers; voice nodes."""

from calls.models.call import Call
from calls.models.node import VoiceNode
from calls.models.number import PhoneNumber
from calls.models.turn import CallEvent, Turn

__all__ = ["Call", "CallEvent", "PhoneNumber", "Turn", "VoiceNode"]
