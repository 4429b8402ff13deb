"""The text of one reply, kept so that a second try can say it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable

from livekit.agents import tts


class TextFeed:
    """Reads a reply's text once and pushes it into as many streams as it takes."""

    def __init__(self, text: AsyncIterable[str]) -> None:
        self._text = text
        self._parts: list[str] = []
        self._more = asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="text-feed")
        self.is_complete = False
        self.is_voiced = False  # a voice has begun to say it

    @property
    def is_owed_speech(self) -> bool:
        """Whether there is anything in it that a voice could say."""
        return any(character.isalnum() for part in self._parts for character in part)

    @property
    def characters(self) -> int:
        """How much text there is, which is what voices are paid by."""
        return sum(len(part) for part in self._parts)

    async def push_into(
        self, stream: tts.SynthesizeStream, on_progress: Callable[[], None]
    ) -> None:
        """Push all text as it comes, then end the stream's input."""
        pushed = 0
        while True:
            while pushed < len(self._parts):
                stream.push_text(self._parts[pushed])
                pushed += 1
            if self.is_complete:
                stream.end_input()
                on_progress()
                return
            on_progress()
            self._more.clear()
            await self._more.wait()

    async def aclose(self) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def _read(self) -> None:
        try:
            async for part in self._text:
                self._parts.append(part)
                self._more.set()
        finally:
            self.is_complete = True
            self._more.set()
