"""A conversation in writing, carried as a link: nobody speaks and nobody listens.

The session behind it is the one of every call, with a voice that makes silence and a
recogniser that hears nothing (`calls.vendors.offline.mute`). The silence is taken at
the pace of reading, so that words appear as they are made.
"""

from __future__ import annotations

import asyncio
from typing import Final

from livekit.agents.voice.io import AudioInput, AudioOutput

from calls.media.frames import QueuedAudioInput
from calls.media.link import AudioTap, LinkEnd, LinkStats
from calls.media.output import PulledAudioOutput

RATE_HZ: Final = 16_000
READ_EVERY_S: Final = 0.01
IDLE_LIMIT_S: Final = 180.0  # nobody has written for so long: they are gone


class TextLink:
    """The writing end of one call; `touch` with everything that is written."""

    def __init__(self, *, idle_limit_s: float = IDLE_LIMIT_S) -> None:
        self._input = QueuedAudioInput()
        self._output = PulledAudioOutput(
            sample_rate_hz=RATE_HZ, offset_ms=lambda: self.offset_ms
        )
        self._idle_limit_s = idle_limit_s
        self._connected_s: float | None = None
        self._touched_s = 0.0
        self._ended: asyncio.Future[LinkEnd] = (
            asyncio.get_running_loop().create_future()
        )
        self._reading: asyncio.Task[None] | None = None

    @property
    def audio_input(self) -> AudioInput:
        return self._input

    @property
    def audio_output(self) -> AudioOutput:
        return self._output

    @property
    def offset_ms(self) -> int:
        if self._connected_s is None:
            return 0
        return round((asyncio.get_running_loop().time() - self._connected_s) * 1000)

    async def wait_connected(self, timeout_s: float) -> None:
        """Return at once: there is no path that could fail."""
        if self._connected_s is None:
            self._connected_s = asyncio.get_running_loop().time()
            self.touch()
            self._reading = asyncio.create_task(self._read(), name="text-link")

    async def wait_closed(self) -> LinkEnd:
        return await asyncio.shield(self._ended)

    def touch(self) -> None:
        """Somebody is there: they have just written."""
        self._touched_s = asyncio.get_running_loop().time()

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        """There is nothing to record."""

    def stats(self) -> LinkStats:
        return LinkStats()

    async def aclose(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None  # a cancelled task would hold us in a circle
        self._end(LinkEnd.LOCAL_CLOSE)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() - self._touched_s < self._idle_limit_s:
            self._output.pull()
            await asyncio.sleep(READ_EVERY_S)
        self._end(LinkEnd.REMOTE_HANGUP)

    def _end(self, end: LinkEnd) -> None:
        if not self._ended.done():
            self._ended.set_result(end)
        self._input.end()
        self._output.close()
