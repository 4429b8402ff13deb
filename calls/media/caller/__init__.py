"""The synthetic caller: a WebRTC client that talks, listens and measures.

It is a test tool, a probe and a load generator. Utterances are encoded before the call,
so a caller costs little more than sending and receiving packets.

    utterance.py  what it says: WAV or text, as Opus packets ready to send
    ear.py        what it hears: where speech starts and ends
    talk.py       the conversation by turns
    media.py      its peer connection
    socket.py     a whole call: signalling over the websocket, and the report
"""

from calls.media.caller.media import CallerMedia
from calls.media.caller.socket import CallReport, Ticket, call
from calls.media.caller.talk import Conversation, Turn
from calls.media.caller.utterance import (
    NoSpeechProgram,
    Utterance,
    speak,
    utterance_from_wav,
)

__all__ = [
    "CallReport",
    "CallerMedia",
    "Conversation",
    "NoSpeechProgram",
    "Ticket",
    "Turn",
    "Utterance",
    "call",
    "speak",
    "utterance_from_wav",
]
