"""What is still said before a call ends, as long as somebody is at the other end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from livekit.agents.voice import SpeechHandle

from calls.session.ending import Ending
from calls.session.patience import Patience
from calls.session.pipeline import Pipeline


class LastWords:
    """A reply to let finish, then a farewell or an apology; each within its time."""

    def __init__(
        self, pipeline: Pipeline, patience: Patience, is_gone: asyncio.Event
    ) -> None:
        self._pipeline, self._patience = pipeline, patience
        self._is_gone = is_gone

    async def say(self, ending: Ending) -> None:
        """Return when the caller has heard them, or is gone."""
        if self._is_gone.is_set():
            return
        pipeline, patience = self._pipeline, self._patience
        if ending.after is not None:
            await self._until_spoken(ending.after, patience.last_words_s)
        else:
            pipeline.interrupt()
        if ending.fault is not None:
            await self._apologise(ending.fault.stage)
        elif ending.farewell:
            farewell = pipeline.say(ending.farewell, interruptible=False)
            limit_s = patience.farewell_limit_s(ending.farewell)
            await self._until_spoken(farewell, limit_s)
        if pipeline.transcript.is_fresh(patience.tail_s):
            with suppress(TimeoutError):  # or until nobody listens any more
                await asyncio.wait_for(self._is_gone.wait(), patience.tail_s)

    async def _apologise(self, failed_stage: str) -> None:
        """By the assistant's voice, or by a recording when that is what failed."""
        pipeline = self._pipeline
        turns = pipeline.transcript.spoken_turns
        limit_s = self._patience.farewell_limit_s(pipeline.apology)
        if failed_stage != "tts" and not pipeline.is_realtime:
            speech = pipeline.say(pipeline.apology, interruptible=False)
            await self._until_spoken(speech, limit_s)
        if pipeline.transcript.spoken_turns == turns:
            speech = pipeline.say_recorded_apology()
            await self._until_spoken(speech, limit_s)

    async def _until_spoken(self, speech: SpeechHandle | None, limit_s: float) -> None:
        await until_spoken(speech, self._is_gone, limit_s)


async def until_spoken(
    speech: SpeechHandle | None, is_gone: asyncio.Event, limit_s: float
) -> None:
    """Wait for words to be heard, for them to take too long, or for the caller."""
    if speech is None:
        return
    waits = [
        asyncio.create_task(speech.wait_for_playout()),
        asyncio.create_task(_set(is_gone)),
    ]
    try:
        await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
