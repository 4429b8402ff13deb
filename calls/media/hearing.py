"""What a caller says, as one unbroken line of PCM: gaps filled, offsets by timestamp.

A session's voice detector counts samples, so time must go on when packets do not come:
a gap between two packets is filled to its length, and when nothing arrives for
`STARVED_S`, a pause is made in real time until something does. What fills a gap is the
decoder's: it knows what a lost packet may have held and how the line sounds in a pause.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from calls.media.frames import FRAME_SAMPLES, LinkClock
from calls.media.jitter import Piece
from calls.media.link import FRAME_MS, INPUT_RATE_HZ, AudioTap
from calls.media.opus import RTP_CLOCK_HZ, OpusDecoder

STARVED_S = 0.2
_LEAST_GAP_MS = FRAME_MS // 4  # a resampler's first frame is a little short
_MOST_GAP_MS = 2_000  # more is a new start of the clock, not a gap
_AHEAD_MS, _BEHIND_MS = 100, 2_000  # how far the timestamps may leave our clock


class PcmSink(Protocol):
    """Where heard audio goes: a session's input, or a synthetic caller's ear."""

    def push(self, pcm: bytes) -> None: ...


class Decoder(Protocol):
    """Turns payloads, and what is missing between them, into PCM at `INPUT_RATE_HZ`."""

    def decode(self, payload: bytes) -> bytes: ...

    def conceal(self, samples: int) -> bytes:
        """Return what lost packets may have held."""

    def pause(self, samples: int) -> bytes:
        """Return how the line sounds while nobody sends."""


class Hearing:
    """Decodes the pieces of one connection into a sink and a tap."""

    def __init__(
        self,
        audio_input: PcmSink,
        clock: LinkClock,
        *,
        make_decoder: Callable[[], Decoder] = OpusDecoder,
        clock_rate_hz: int = RTP_CLOCK_HZ,
    ) -> None:
        self.tap: AudioTap | None = None
        self.concealed_ms = 0
        self._input = audio_input
        self._clock = clock
        self.restart(make_decoder, clock_rate_hz)

    def restart(
        self,
        make_decoder: Callable[[], Decoder] | None = None,
        clock_rate_hz: int | None = None,
    ) -> None:
        """Expect a new stream: other timestamps, another encoder, perhaps another codec."""
        if make_decoder is not None:
            self._make_decoder = make_decoder
        if clock_rate_hz is not None:
            self._clock_hz = clock_rate_hz
        self._decoder = self._make_decoder()
        self._expected: int | None = None
        self._anchor: tuple[int, int] | None = None  # timestamp, offset in ms
        self._starved_ticks = 0

    def add(self, piece: Piece) -> None:
        if self._expected is not None:
            self._fill(piece)
        self._starved_ticks = 0
        pcm = self._decoder.decode(piece.payload)
        ticks = len(pcm) // 2 * self._clock_hz // INPUT_RATE_HZ
        self._expected = (piece.timestamp + ticks) & 0xFFFFFFFF
        self._input.push(pcm)
        if self.tap is not None:
            self.tap(pcm, INPUT_RATE_HZ, self._offset_ms(piece.timestamp))

    def starve(self) -> None:
        """Make 20 ms of a pause because nothing has arrived for a while."""
        self._starved_ticks += self._clock_hz * FRAME_MS // 1000
        self._input.push(self._decoder.pause(FRAME_SAMPLES))

    def _fill(self, piece: Piece) -> None:
        """Bridge the gap before a piece, but for what was starved through already.

        Nobody said it, so a recording does not get it.
        """
        assert self._expected is not None
        gap = (piece.timestamp - self._expected) & 0xFFFFFFFF
        if gap > self._clock_hz * _MOST_GAP_MS // 1000:
            return
        gap -= self._starved_ticks
        if gap < self._clock_hz * _LEAST_GAP_MS // 1000:
            return
        samples = gap * INPUT_RATE_HZ // self._clock_hz
        if piece.lost_before:
            self.concealed_ms += samples * 1000 // INPUT_RATE_HZ
            self._input.push(self._decoder.conceal(samples))
        else:
            self._input.push(self._decoder.pause(samples))

    def _offset_ms(self, timestamp: int) -> int:
        """Return when this was said, by the stream's own clock held to ours."""
        now_ms = self._clock.offset_ms()
        if self._anchor is not None:
            anchor, anchor_ms = self._anchor
            ticks = ((timestamp - anchor + 2**31) & 0xFFFFFFFF) - 2**31
            offset_ms = anchor_ms + ticks * 1000 // self._clock_hz
            if -_AHEAD_MS <= now_ms - offset_ms <= _BEHIND_MS:
                return offset_ms
        self._anchor = (timestamp, now_ms)
        return now_ms
