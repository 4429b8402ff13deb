"""A caller in memory: frames from a script go in, what would be heard comes out.

The audio queue and the pulled output are the real ones of `calls.media`; only the
network is missing. Time is whatever clock the running loop has.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from livekit.agents.voice.io import AudioInput, AudioOutput

from calls.media.frames import FRAME_SAMPLES, QueuedAudioInput
from calls.media.link import (
    FRAME_MS,
    INPUT_RATE_HZ,
    AudioTap,
    LinkEnd,
    LinkStats,
    MediaNeverConnected,
)
from calls.media.output import PulledAudioOutput
from tests.fakes.script import Script

OUTPUT_RATE_HZ = 16_000


@dataclass(frozen=True)
class Sound:
    """A stretch of audio the caller heard, in seconds since the audio connected."""

    from_s: float
    to_s: float


class FakeLink:
    """Play the script's caller at 50 frames a second and write down what they hear."""

    def __init__(
        self,
        script: Script,
        *,
        connects_after_s: float | None = 0.05,
        ends_at_s: float | None = None,
        ends_with: LinkEnd = LinkEnd.REMOTE_HANGUP,
    ) -> None:
        self.script = script
        self.heard: list[Sound] = []
        self.close_count = 0
        self.closed_at_s: float | None = None
        self._input = QueuedAudioInput()
        self._output = PulledAudioOutput(
            sample_rate_hz=OUTPUT_RATE_HZ, offset_ms=lambda: self.offset_ms
        )
        self._caller_tap: AudioTap | None = None
        self._connects_after_s = connects_after_s
        self.ends_at_s, self._ends_with = ends_at_s, ends_with
        self._ended: asyncio.Future[LinkEnd] | None = None
        self._pump: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()
        self.connected_s = 0.0

    @property
    def audio_input(self) -> AudioInput:
        return self._input

    @property
    def audio_output(self) -> AudioOutput:
        return self._output

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.connected_s

    @property
    def offset_ms(self) -> int:
        return round(self.now_s * 1000) if self.connected.is_set() else 0

    async def wait_connected(self, timeout_s: float) -> None:
        if self.connected.is_set():
            return
        after_s = self._connects_after_s
        if after_s is None or after_s > timeout_s:
            await asyncio.sleep(timeout_s)
            raise MediaNeverConnected
        await asyncio.sleep(after_s)
        self.connected_s = asyncio.get_running_loop().time()
        self.connected.set()
        self._pump = asyncio.create_task(self._run(), name="fake-link")

    async def wait_closed(self) -> LinkEnd:
        return await asyncio.shield(self._end())

    def hang_up(self, end: LinkEnd = LinkEnd.REMOTE_HANGUP) -> None:
        """The far end goes away, now."""
        if not self._end().done():
            self._end().set_result(end)
        self._input.end()
        self._output.close()

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._output.tap, self._caller_tap = assistant, caller

    def stats(self) -> LinkStats:
        return LinkStats()

    async def aclose(self) -> None:
        self.close_count += 1
        if self.closed_at_s is None:
            self.closed_at_s = self.now_s
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
            self._pump = None  # a cancelled task would hold us in a circle
        self.hang_up(LinkEnd.LOCAL_CLOSE)

    def _end(self) -> asyncio.Future[LinkEnd]:
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
        return self._ended

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        frame_s = FRAME_MS / 1000
        number = 0
        while self.ends_at_s is None or number * frame_s < self.ends_at_s - 1e-9:
            sent_s, number = number * frame_s, number + 1
            if self._output.pull() is not None:
                self._hear(sent_s, number * frame_s)
            await asyncio.sleep(self.connected_s + number * frame_s - loop.time())
            sample = self.script.sample_at(sent_s)  # spoken while this frame was filled
            frame = struct.pack("<h", sample) * FRAME_SAMPLES
            self._input.push(frame)
            if self._caller_tap is not None:
                self._caller_tap(frame, INPUT_RATE_HZ, round(sent_s * 1000))
        self.hang_up(self._ends_with)

    def _hear(self, from_s: float, to_s: float) -> None:
        if self.heard and abs(self.heard[-1].to_s - from_s) < 1e-6:
            self.heard[-1] = Sound(self.heard[-1].from_s, to_s)
        else:
            self.heard.append(Sound(from_s, to_s))
