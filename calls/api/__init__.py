"""Calls over REST: calls, browser calls, recordings, numbers, trunks, usage."""

from calls.api import control
from calls.api.calls import router as calls, web_router as web_calls
from calls.api.data_flows import router as data_flows
from calls.api.numbers import router as numbers
from calls.api.price import router as prices
from calls.api.proposals import router as proposals
from calls.api.recordings import of_calls as call_recordings, router as recordings
from calls.api.samples import router as samples
from calls.api.sip_trunks import router as sip_trunks
from calls.api.text_chats import router as text_chats
from calls.api.usage import router as usage
from calls.api.widgets import router as widgets

__all__ = [
    "call_recordings",
    "calls",
    "control",
    "data_flows",
    "numbers",
    "prices",
    "proposals",
    "recordings",
    "samples",
    "sip_trunks",
    "text_chats",
    "usage",
    "web_calls",
    "widgets",
]
