"""The assistant's side of a link: a sink that a transport drains at its own pace.

A session captures speech faster than it can be heard; the transport pulls 20 ms when
20 ms are due. What was pulled is what was heard, so the position reported at the end
of a segment, or when it is interrupted, is exact to one pull.

    capture_frame ──▶ segment ──┐ flush() closes it, the next capture opens another
    capture_frame ──▶ segment ──┴──▶ pull() ──▶ transport, tap
                       clear_buffer() drops them all
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

import av
from livekit import rtc
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from calls.media.ambience import Ambience
from calls.media.link import FRAME_MS, AudioTap

logger = logging.getLogger(__name__)

OUTPUT_RATE_HZ = 24_000


def _no_offset() -> int:
    return 0


class _Segment:
    """One captured utterance: what waits, and how many samples were pulled."""

    __slots__ = ("is_cleared", "is_flushed", "pcm", "played_samples")

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.played_samples = 0
        self.is_flushed = False
        self.is_cleared = False


class PulledAudioOutput(AudioOutput):
    """Plays what a session captures, at the pace of `pull()`.

    Accepts any rate and channel count and holds s16 mono at `sample_rate_hz`. Capturing
    waits while `max_buffered_ms` are unheard, so memory is bounded however fast speech
    is made. Playback started, finished and its position follow what was pulled.
    """

    def __init__(
        self,
        *,
        sample_rate_hz: int = OUTPUT_RATE_HZ,
        max_buffered_ms: int = 10_000,
        offset_ms: Callable[[], int] | None = None,
        label: str = "Assistant",
    ) -> None:
        super().__init__(label=label, capabilities=AudioOutputCapabilities(pause=True))
        self.sample_rate_hz = sample_rate_hz
        self.tap: AudioTap | None = None
        self.ambience: Ambience | None = None  # heard under speech, and without it
        self._offset_ms = offset_ms or _no_offset
        self._max_bytes = max_buffered_ms * sample_rate_hz // 1000 * 2
        self._segments: deque[_Segment] = deque()
        self._capturing: _Segment | None = None
        self._buffered_bytes = 0
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        self._is_paused = False
        self._is_closed = False
        self._resampler: av.AudioResampler | None = None
        self._resampler_key: tuple[int, int] | None = None
        self._silence: dict[int, bytes] = {}

    @property
    def buffered_ms(self) -> int:
        """Captured and not yet pulled."""
        return self._buffered_bytes * 1000 // (2 * self.sample_rate_hz)

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    # --- the session's side ---------------------------------------------------------

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        segment = self._capturing
        if segment is None:
            segment = self._capturing = _Segment()
            segment.is_cleared = self._is_closed
            self._segments.append(segment)
        if segment.is_cleared:
            return  # interrupted: what is still being made is never heard
        pcm = self._converted(frame)
        while self._buffered_bytes >= self._max_bytes and not segment.is_cleared:
            self._room.clear()
            await self._room.wait()
        if segment.is_cleared:
            return
        segment.pcm += pcm
        self._buffered_bytes += len(pcm)

    def flush(self) -> None:
        super().flush()
        segment, self._capturing = self._capturing, None
        if segment is None:
            return
        segment.is_flushed = True
        if segment.is_cleared:
            self._finish(segment, is_interrupted=True)
        elif not segment.pcm:
            self._finish(segment, is_interrupted=False)

    def clear_buffer(self) -> None:
        for segment in list(self._segments):
            segment.pcm.clear()
            segment.is_cleared = True
            if segment.is_flushed:
                self._finish(segment, is_interrupted=True)
        self._buffered_bytes = 0
        self._room.set()

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False

    # --- the transport's side -------------------------------------------------------

    def pull(self, duration_ms: int = FRAME_MS) -> bytes | None:
        """Return the next `duration_ms` of s16 mono PCM, or None when it is silence.

        Call it once for each `duration_ms` really sent. None lets a transport send
        its cheap form of silence; `pull_pcm` is for one that has none.
        """
        wanted = self.sample_rate_hz * duration_ms // 1000 * 2
        pcm = b"" if self._is_paused else self._take(wanted)
        if self.ambience is not None:
            pcm = self.ambience.under(pcm + bytes(wanted - len(pcm)))
        if not pcm:
            if self.tap is not None:
                self.tap(self._silent(wanted), self.sample_rate_hz, self._offset_ms())
            return None
        if len(pcm) < wanted:
            pcm += bytes(wanted - len(pcm))
        if self.tap is not None:
            self.tap(pcm, self.sample_rate_hz, self._offset_ms())
        return pcm

    def pull_pcm(self, duration_ms: int = FRAME_MS) -> bytes:
        """Return the next `duration_ms` of s16 mono PCM, zeros when it is silence."""
        return self.pull(duration_ms) or self._silent(
            self.sample_rate_hz * duration_ms // 1000 * 2
        )

    def close(self) -> None:
        """End every segment as interrupted and let no capture wait; safe to repeat.

        Nothing waits for a playout that no transport will pull any more.
        """
        self._is_closed = True
        self.clear_buffer()
        self.tap = self.ambience = None
        self._offset_ms = _no_offset  # lets go of the link, which holds this

    # --- inside ---------------------------------------------------------------------

    def _take(self, wanted: int) -> bytes:
        taken = b""
        while len(taken) < wanted and self._segments:
            segment = self._segments[0]
            if segment.pcm:
                piece = bytes(segment.pcm[: wanted - len(taken)])
                del segment.pcm[: len(piece)]
                if not segment.played_samples:
                    self.on_playback_started(created_at=time.time())
                segment.played_samples += len(piece) // 2
                self._buffered_bytes -= len(piece)
                taken += piece
            if segment.pcm or not segment.is_flushed:
                break
            self._finish(segment, is_interrupted=False)
        if self._buffered_bytes < self._max_bytes:
            self._room.set()
        return taken

    def _finish(self, segment: _Segment, *, is_interrupted: bool) -> None:
        self._segments.remove(segment)
        self.on_playback_finished(
            playback_position=segment.played_samples / self.sample_rate_hz,
            interrupted=is_interrupted,
        )

    def _silent(self, length: int) -> bytes:
        silence = self._silence.get(length)
        if silence is None:
            silence = self._silence[length] = bytes(length)
        return silence

    def _converted(self, frame: rtc.AudioFrame) -> bytes:
        """Return a frame at our rate.

        The resampler lives as long as the output: PyAV's are reference cycles. It holds
        back a millisecond, which then begins the next segment.
        """
        if frame.sample_rate == self.sample_rate_hz and frame.num_channels == 1:
            return bytes(frame.data.cast("B"))
        key = (frame.sample_rate, frame.num_channels)
        if self._resampler is None or self._resampler_key != key:
            self._resampler = av.AudioResampler(
                format="s16", layout="mono", rate=self.sample_rate_hz
            )
            self._resampler_key = key
        source = av.AudioFrame(
            format="s16",
            layout="mono" if frame.num_channels == 1 else "stereo",
            samples=frame.samples_per_channel,
        )
        source.planes[0].update(bytes(frame.data.cast("B")))
        source.sample_rate = frame.sample_rate
        return b"".join(
            bytes(out.planes[0])[: out.samples * 2]
            for out in self._resampler.resample(source)
        )
