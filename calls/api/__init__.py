"""Calls over REST: calls, browser calls, recordings, numbers, usage."""

from calls.api.calls import router as calls, web_router as web_calls
from calls.api.numbers import router as numbers
from calls.api.recordings import router as recordings
from calls.api.usage import router as usage

__all__ = ["calls", "numbers", "recordings", "usage", "web_calls"]
