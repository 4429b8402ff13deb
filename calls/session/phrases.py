"""Noticing that the assistant said one of the phrases that end a call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calls.session.events import SessionEvent, Speaker, TurnSpoken


class EndPhrases:
    """Compares by letters and digits alone, and only what was said to its end."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = [spoken for phrase in phrases if (spoken := _words(phrase))]

    def ends(self, event: SessionEvent) -> bool:
        """Whether this event is the assistant saying one of them."""
        if not isinstance(event, TurnSpoken) or event.is_interrupted:
            return False
        if event.speaker is not Speaker.ASSISTANT:
            return False
        said = f" {_words(event.text)} "
        return any(f" {phrase} " in said for phrase in self._phrases)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
