"""What a caller says, as one unbroken line of PCM: gaps filled, offsets by timestamp.

A session's voice detector counts samples, so time must go on when packets do not come:
a gap between two packets becomes silence of its length, and when nothing arrives for
`_STARVED_S`, silence is made in real time until something does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from calls.media.frames import SILENT_FRAME, LinkClock
from calls.media.jitter import Piece
from calls.media.link import INPUT_RATE_HZ, AudioTap
from calls.media.opus import RTP_CLOCK_HZ, RTP_TICKS, OpusDecoder

STARVED_S = 0.2
_TICKS_PER_SAMPLE = RTP_CLOCK_HZ // INPUT_RATE_HZ
_LEAST_GAP = RTP_TICKS // 4  # a resampler's first frame is a little short
_MOST_GAP = RTP_CLOCK_HZ * 2  # more is a new start of the clock, not a gap
_AHEAD_MS, _BEHIND_MS = 100, 2_000  # how far the timestamps may leave our clock


class PcmSink(Protocol):
    """Where heard audio goes: a session's input, or a synthetic caller's ear."""

    def push(self, pcm: bytes) -> None: ...


class Hearing:
    """Decodes the pieces of one connection into a sink and a tap."""

    def __init__(
        self,
        audio_input: PcmSink,
        clock: LinkClock,
        *,
        make_decoder: Callable[[], OpusDecoder] = OpusDecoder,
    ) -> None:
        self.tap: AudioTap | None = None
        self.concealed_ms = 0
        self._input = audio_input
        self._clock = clock
        self._make_decoder = make_decoder
        self.restart()

    def restart(self) -> None:
        """Expect a new stream: other timestamps, another encoder."""
        self._decoder = self._make_decoder()
        self._expected: int | None = None
        self._anchor: tuple[int, int] | None = None  # timestamp, offset in ms
        self._starved_ticks = 0

    def add(self, piece: Piece) -> None:
        if self._expected is not None:
            gap = (piece.timestamp - self._expected) & 0xFFFFFFFF
            gap = gap - self._starved_ticks if gap <= _MOST_GAP else 0
            if gap >= _LEAST_GAP:
                self.concealed_ms += gap * 1000 // RTP_CLOCK_HZ
                self._input.push(bytes(gap // _TICKS_PER_SAMPLE * 2))
        self._starved_ticks = 0
        pcm = self._decoder.decode(piece.payload)
        ticks = len(pcm) // 2 * _TICKS_PER_SAMPLE
        self._expected = (piece.timestamp + ticks) & 0xFFFFFFFF
        self._input.push(pcm)
        if self.tap is not None:
            self.tap(pcm, INPUT_RATE_HZ, self._offset_ms(piece.timestamp))

    def starve(self) -> None:
        """Make 20 ms of silence because nothing has arrived for a while."""
        self._starved_ticks += RTP_TICKS
        self._input.push(SILENT_FRAME)

    def _offset_ms(self, timestamp: int) -> int:
        """Return when this was said, by the stream's own clock held to ours."""
        now_ms = self._clock.offset_ms()
        if self._anchor is not None:
            anchor, anchor_ms = self._anchor
            ticks = ((timestamp - anchor + 2**31) & 0xFFFFFFFF) - 2**31
            offset_ms = anchor_ms + ticks * 1000 // RTP_CLOCK_HZ
            if -_AHEAD_MS <= now_ms - offset_ms <= _BEHIND_MS:
                return offset_ms
        self._anchor = (timestamp, now_ms)
        return now_ms
