"""A `MediaLink` over RTP: what a telephone call is to a session.

    RtpStream ─▶ Hearing ─▶ input           output ─▶ encoder ─▶ RtpStream
         ╰────▶ keys, comfort noise           keys to press ──▶╯

It exists before anything is agreed, so that a session can be built on it while it still
rings. What is heard before `open_ears` (ringing, announcements) is nobody's to answer
and is let go, unless somebody asked to `hear_early`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

from calls.media.dtmf import EventPacket, packets_for
from calls.media.frames import LinkClock, QueuedAudioInput
from calls.media.g711 import Decimator, G711Decoder, G711Encoder, noise_level
from calls.media.hearing import STARVED_S, Decoder, Hearing, PcmSink
from calls.media.jitter import Piece
from calls.media.link import (
    FRAME_MS,
    AudioTap,
    LinkEnd,
    LinkStats,
    MediaNeverConnected,
)
from calls.media.mos import mos
from calls.media.opus import OpusDecoder, OpusEncoder
from calls.media.output import PulledAudioOutput
from calls.media.pacer import pacer
from calls.media.rtp_format import OPUS, Codec
from calls.media.rtp_ports import PortPair
from calls.media.rtp_stream import Route, RtpStream

G711_RATE_HZ: Final = 8_000
OPUS_RATE_HZ: Final = 24_000
_WATCH_S: Final = 0.5


class PhoneLink:
    """One call's audio. `takes_opus` decides the rate at which speech is made for it.

    `lost_after_s` without a packet, hold excepted, ends it as lost. `may_reach` tells
    which addresses audio may be sent to, whoever names them.
    """

    def __init__(
        self,
        pair: PortPair,
        *,
        may_reach: Callable[[str], bool],
        takes_opus: bool = False,
        lost_after_s: float = 15.0,
        output: PulledAudioOutput | None = None,
    ) -> None:
        self._clock = LinkClock()
        self._due_s: float | None = None
        self._input = QueuedAudioInput(label="Telephone")
        self._output = output or PulledAudioOutput(
            sample_rate_hz=OPUS_RATE_HZ if takes_opus else G711_RATE_HZ,
            offset_ms=lambda: self._clock.offset_ms(self._due_s),
            label="Telephone",
        )
        self._hearing = Hearing(self._input, self._clock, make_decoder=_no_decoder)
        self._early: Hearing | None = None
        self._decoder: Decoder | None = None
        self._encoder: G711Encoder | OpusEncoder | _Halved | None = None
        self._codec: Codec | None = None
        self._keys: deque[str] = deque()
        self._pressing: Iterator[EventPacket] | None = None
        self._pressed: asyncio.Future[None] | None = None
        self._hears = False
        self._sends = self._receives = True
        self._is_muted = False
        self._lost_after_s = lost_after_s
        self._opened_at_s = monotonic()
        self._end: LinkEnd | None = None
        self._connected, self._closed = asyncio.Event(), asyncio.Event()
        self._watch_timer: asyncio.TimerHandle | None = None
        self.on_digit: Callable[[str], None] = lambda key: None
        self.stream = RtpStream(
            pair,
            pacer(),
            next_payload=self._next_payload,
            on_piece=self._hear,
            on_digit=lambda key: self.on_digit(key),
            on_noise=self._take_noise,
            may_reach=may_reach,
        )

    # --- MediaLink ------------------------------------------------------------------

    @property
    def audio_input(self) -> QueuedAudioInput:
        return self._input

    @property
    def audio_output(self) -> PulledAudioOutput:
        return self._output

    @property
    def offset_ms(self) -> int:
        return self._clock.offset_ms()

    async def wait_connected(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            raise MediaNeverConnected("The call was never answered.") from None
        if not self._clock.is_started:
            raise MediaNeverConnected("The call was over before audio could flow.")

    async def wait_closed(self) -> LinkEnd:
        await self._closed.wait()
        assert self._end is not None
        return self._end

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._hearing.tap = caller
        self._output.tap = assistant

    def stats(self) -> LinkStats:
        quality, name = self.stream.quality, self._codec.name if self._codec else ""
        round_trip_s = self.stream.round_trip_s
        round_trip_ms = None if round_trip_s is None else round(round_trip_s * 1000, 2)
        jitter_ms = round(quality.jitter_s * 1000, 2)
        return LinkStats(
            received_packets=quality.received_packets,
            lost_packets=quality.lost_packets,
            jitter_ms=jitter_ms,
            late_p99_ms=quality.late_ms(0.99),
            round_trip_ms=round_trip_ms,
            codec=name,
            concealed_ms=self._hearing.concealed_ms,
            remote_lost_percent=self.stream.remote_lost_percent,
            mos=mos(
                name,
                lost_percent=100
                * quality.lost_packets
                / max(1, quality.expected_packets),
                round_trip_ms=round_trip_ms or 0.0,
                jitter_ms=jitter_ms,
            )
            if quality.received_packets
            else None,
        )

    async def aclose(self) -> None:
        self.finish(LinkEnd.LOCAL_CLOSE)

    # --- the signalling's side ------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        return self._end is not None

    @property
    def port(self) -> int:
        return self.stream.port

    def agree(
        self,
        route: Route,
        *,
        sends: bool = True,
        receives: bool = True,
        is_muted: bool = False,
    ) -> None:
        """Use what an offer and its answer came to; packets flow from now on.

        `sends` and `receives` are as we see it, and false while on hold. What is to be
        said waits while `is_muted`, and silence is sent: many take a quiet line for dead.
        """
        if self._end is not None:
            return
        if route.codec != self._codec:
            self._use_codec(route.codec)
        self._sends, self._receives, self._is_muted = sends, receives, is_muted
        self.stream.configure(route)
        self.stream.start()

    def hear_early(self, sink: PcmSink) -> None:
        """Give what is heard before the answer to `sink`, at 16 kHz."""
        self._early = Hearing(sink, self._clock, make_decoder=_no_decoder)

    def open_ears(self) -> None:
        """The call was answered: what is said from now on is heard, and time counts."""
        if self._end is None and not self._hears:
            self._hears = True
            self._clock.start()
            self._opened_at_s = monotonic()
            self._connected.set()
            self._watch()

    async def press(self, keys: str) -> None:
        """Send keys one after another; returns when the last one went out."""
        self._keys.extend(keys)
        if self._pressed is None or self._pressed.done():
            self._pressed = asyncio.get_running_loop().create_future()
        if self._end is None:
            await asyncio.shield(self._pressed)

    def finish(self, end: LinkEnd) -> None:
        """Close once; the first reason stays."""
        if self._end is not None:
            return
        self._end = end
        if self._watch_timer is not None:
            self._watch_timer.cancel()
            self._watch_timer = None
        self.stream.close()
        self._input.end()
        self._output.close()
        self._hearing.tap = None
        self.on_digit = lambda key: None
        if self._pressed is not None and not self._pressed.done():
            self._pressed.set_result(None)
        self._connected.set()
        self._closed.set()

    # --- inside ---------------------------------------------------------------------

    def _use_codec(self, codec: Codec) -> None:
        self._codec = codec
        rate_hz = self._output.sample_rate_hz
        if codec == OPUS:
            self._encoder = OpusEncoder(sample_rate_hz=rate_hz, bit_rate=32_000)
            self._decode_by(OpusDecoder, codec)
            self._decoder = None
            return
        encoder = G711Encoder(codec.name)
        self._encoder = encoder if rate_hz == G711_RATE_HZ else _Halved(encoder)
        decoder = self._decoder = G711Decoder(codec.name)
        self._decode_by(lambda: decoder, codec)

    def _decode_by(self, make_decoder: Callable[[], Decoder], codec: Codec) -> None:
        self._hearing.restart(make_decoder, codec.clock_rate_hz)
        if self._early is not None:
            self._early.restart(make_decoder, codec.clock_rate_hz)

    def _hear(self, piece: Piece) -> None:
        hearing = self._hearing if self._hears else self._early
        if hearing is not None and self._receives:
            hearing.add(piece)

    def _take_noise(self, payload: bytes) -> None:
        if isinstance(self._decoder, G711Decoder):
            self._decoder.noise_level = noise_level(payload)

    def _next_payload(self, due_s: float) -> bytes | EventPacket | None:
        self._due_s = due_s
        if self._hears:
            last_s = self.stream.last_arrival_s
            if not self._receives or last_s is None or due_s - last_s > STARVED_S:
                self._hearing.starve()
        if not self._sends or self._encoder is None:
            return None
        if self._keys or self._pressing is not None:
            return self._next_event()
        return self._encoder.encode(None if self._is_muted else self._output.pull())

    def _next_event(self) -> EventPacket:
        """Return the next packet of the keys being pressed; speech waits meanwhile."""
        if self._pressing is None:
            self._pressing = packets_for(
                self._keys.popleft(), frame_ms=FRAME_MS, clock_rate_hz=8_000
            )
        event = next(self._pressing)
        following = next(self._pressing, None)
        if following is not None:
            self._pressing = _chained(following, self._pressing)
            return event
        self._pressing = None
        if not self._keys and self._pressed is not None and not self._pressed.done():
            self._pressed.set_result(None)
        return event

    def _watch(self) -> None:
        """Notice that the other side has gone without a word."""
        if self._end is not None:
            return
        last_s = max(self.stream.last_arrival_s or 0.0, self._opened_at_s)
        if not self._receives:
            self._opened_at_s = (
                monotonic()
            )  # on hold nothing comes, and nothing is lost
        elif monotonic() - last_s > self._lost_after_s:
            self.finish(LinkEnd.LOST)
            return
        loop = asyncio.get_running_loop()
        self._watch_timer = loop.call_later(_WATCH_S, self._watch)


class _Halved:
    """G.711 of speech that was made at 24 kHz, because Opus might have been agreed."""

    def __init__(self, encoder: G711Encoder) -> None:
        self._encoder = encoder
        self._thin = Decimator()

    def encode(self, pcm: bytes | None) -> bytes:
        if pcm is None:
            self._thin.rest()
            return self._encoder.encode(None)
        return self._encoder.encode(self._thin(pcm))


def _chained(first: EventPacket, rest: Iterator[EventPacket]) -> Iterator[EventPacket]:
    yield first
    yield from rest


def _no_decoder() -> Decoder:
    return G711Decoder("PCMA")
