"""What a person who listens in says to the assistant: recognised, and told to it alone.

begin ──▶ their microphone ──▶ the call's own recogniser
finish ─▶ the words, for the assistant; the caller hears nothing of it
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from livekit import rtc
from livekit.agents import APIError, stt

from calls.media.frames import QueuedAudioInput

MAX_S: Final = 30.0  # of one whisper; what comes later is not heard
FINAL_WORDS_S: Final = 5.0


class Whisper:
    """One whisper. A second one is a second object."""

    def __init__(self, recogniser: stt.STT[Any], ear: QueuedAudioInput) -> None:
        self._recogniser, self._ear = recogniser, ear
        self._frames: list[rtc.AudioFrame] = []
        self._words: list[str] = []
        self._stream = (
            recogniser.stream() if recogniser.capabilities.streaming else None
        )
        ear.forget()
        ear.on_attached()
        self._hearing = asyncio.create_task(self._hear(), name="whisper-hear")
        self._reading = asyncio.create_task(self._read(), name="whisper-read")

    async def finish(self) -> str:
        """Stop hearing; return what was said, empty when nothing was understood."""
        await _ended(self._hearing)
        self._ear.on_detached()
        try:
            async with asyncio.timeout(FINAL_WORDS_S):
                if self._stream is None:
                    return await self._recognised()
                self._stream.end_input()
                await asyncio.shield(self._reading)
        except (TimeoutError, APIError):  # what was understood until then counts
            pass
        finally:
            await self.aclose()
        return " ".join(self._words).strip()

    async def aclose(self) -> None:
        """Let go of everything; safe to call twice."""
        for task in (self._hearing, self._reading):
            await _ended(task)
        if self._stream is not None:
            await self._stream.aclose()

    async def _hear(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_S):
                async for frame in self._ear:
                    if self._stream is not None:
                        self._stream.push_frame(frame)
                    else:
                        self._frames.append(frame)

    async def _read(self) -> None:
        if self._stream is None:
            return
        async for event in self._stream:
            if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                self._words.append(event.alternatives[0].text)

    async def _recognised(self) -> str:
        if not self._frames:
            return ""
        event = await self._recogniser.recognize(self._frames)
        return event.alternatives[0].text.strip() if event.alternatives else ""


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, APIError):
        await task
