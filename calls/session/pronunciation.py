"""Saying words differently from how they are written.

Replacement is literal: no patterns, no case folding, and what was put in is not looked
at again. Where two entries match at one place, the longer one counts. Text comes in
pieces, so the end of a piece that may still become a match is held back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from assistants.speech_shapes import Pronunciation


class Pronouncer:
    """Replaces in one text, piece by piece."""

    def __init__(self, entries: Sequence[Pronunciation]) -> None:
        self._to = {entry.from_: entry.to for entry in reversed(entries)}
        words = sorted(self._to, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, words)))
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what is certain by now of all text so far."""
        text = self._held + piece
        said, position = "", 0
        while True:
            match = self._pattern.search(text, position)
            until = match.start() if match else len(text)
            start = self._open_start(text, position, until)
            if start is not None:
                self._held = text[start:]
                return said + text[position:start]
            if match is None:
                self._held = ""
                return said + text[position:]
            said += text[position : match.start()] + self._to[match.group()]
            position = match.end()

    def flush(self) -> str:
        """Return the rest; there is no more text."""
        rest, self._held = self._held, ""
        return self._pattern.sub(lambda match: self._to[match.group()], rest)

    def _open_start(self, text: str, position: int, until: int) -> int | None:
        """Where an entry begins that the next piece may complete, not after `until`."""
        longest = max(map(len, self._to))
        first = max(position, len(text) - longest + 1)
        for start in range(first, min(until, len(text) - 1) + 1):
            rest = text[start:]
            if any(len(w) > len(rest) and w.startswith(rest) for w in self._to):
                return start
        return None


async def pronounced(
    text: AsyncIterable[str], entries: Sequence[Pronunciation]
) -> AsyncGenerator[str, None]:
    """The text as a voice shall say it."""
    pronouncer = Pronouncer(entries)
    async for piece in text:
        if said := pronouncer.feed(piece):
            yield said
    if rest := pronouncer.flush():
        yield rest
