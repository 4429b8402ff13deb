"""The caller's side of a link: PCM pushed by a transport, read by a session as frames.

Nothing here waits for real time; a transport pushes when audio arrives. The queue is
bounded, because a session that stalls must lose old audio rather than fall behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from calls.media.link import FRAME_MS, INPUT_RATE_HZ

FRAME_SAMPLES = INPUT_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = FRAME_SAMPLES * 2
SILENT_FRAME = bytes(FRAME_BYTES)


class LinkClock:
    """Milliseconds since the audio connected; 0 until it has.

    It starts once: a connection made anew after a network change goes on counting.
    """

    def __init__(self) -> None:
        self._started_s: float | None = None

    @property
    def is_started(self) -> bool:
        return self._started_s is not None

    def start(self) -> None:
        if self._started_s is None:
            self._started_s = monotonic()

    def offset_ms(self, at_s: float | None = None) -> int:
        """Return the offset of now, or of a time of `time.monotonic`."""
        if self._started_s is None:
            return 0
        return max(0, int(((at_s or monotonic()) - self._started_s) * 1000))


class QueuedAudioInput(AudioInput):
    """Gives a session exact 20 ms frames of whatever pieces a transport pushes.

    When more than `max_queued_ms` wait, the oldest frames are dropped and counted.
    After `end()` the frames already queued are still delivered, then iteration stops.
    """

    def __init__(self, *, max_queued_ms: int = 2_000, label: str = "Caller") -> None:
        super().__init__(label=label)
        self._frames: deque[bytes] = deque()
        self._max_frames = max(1, max_queued_ms // FRAME_MS)
        self._partial = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._is_ended = False
        self._is_muted = False
        self.dropped_frames = 0

    @property
    def queued_ms(self) -> int:
        return len(self._frames) * FRAME_MS

    def push(self, pcm: bytes) -> None:
        """Add s16 mono PCM at `INPUT_RATE_HZ`, in pieces of any length."""
        if self._is_ended:
            return
        if self._is_muted:
            pcm = bytes(len(pcm))
        if len(pcm) == FRAME_BYTES and not self._partial:
            self._append(pcm)
            return
        self._partial += pcm
        while len(self._partial) >= FRAME_BYTES:
            self._append(bytes(self._partial[:FRAME_BYTES]))
            del self._partial[:FRAME_BYTES]

    def end(self) -> None:
        """Stop the iteration once the queued frames are read; safe to call twice."""
        self._is_ended = True
        self._wake()

    def forget(self) -> None:
        """Drop what is queued: nobody was to hear it."""
        self._frames.clear()
        self._partial.clear()

    def on_attached(self) -> None:
        self._is_muted = False

    def on_detached(self) -> None:
        """Hear silence from now on: a session that does not listen is owed no words."""
        self._is_muted = True

    async def __anext__(self) -> rtc.AudioFrame:
        while not self._frames:
            if self._is_ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return rtc.AudioFrame(self._frames.popleft(), INPUT_RATE_HZ, 1, FRAME_SAMPLES)

    def _append(self, frame: bytes) -> None:
        if len(self._frames) >= self._max_frames:
            self._frames.popleft()
            self.dropped_frames += 1
        self._frames.append(frame)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
