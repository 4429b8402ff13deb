"""An assistant that comes back to a call which a person had taken over.

It is a second session of the same call, over the same audio: it remembers what was said
before, and is told how long somebody else talked with the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livekit.agents import llm

_GIVEN_BACK: Final = (
    "{who} took this call over from you, talked with the caller for {duration}, and has "
    "given the caller back to you. You did not hear what they said to each other: do not "
    "guess at it, ask where you need to know. Do not greet the caller anew."
)
_LOST: Final = (
    "{who} took this call over from you and talked with the caller for {duration}; then "
    "their connection broke, so the caller is with you again. You did not hear what they "
    "said to each other: do not guess at it, ask where you need to know. Do not greet "
    "the caller anew."
)


@dataclass(frozen=True)
class Return:
    """What a session begins with when it is not the first of its call."""

    memory: Sequence[llm.ChatItem]
    news: str  # for the model alone
    words: str  # the caller hears first
    away_ms: int  # of the call so far; it counts against nobody's time


def news_of(*, who: str, away_ms: int, is_lost: bool) -> str:
    """Return what the model is told about the time it was not there."""
    minutes, seconds = divmod(round(away_ms / 1000), 60)
    duration = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return (_LOST if is_lost else _GIVEN_BACK).format(
        who=who or "A colleague", duration=duration
    )
