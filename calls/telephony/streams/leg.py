"""One call whose audio comes and goes as messages on a carrier's websocket.

    carrier ──message──▶ decoder ──▶ input          output ──▶ encoder ──message──▶ carrier
                            ╰─▶ tap                   20 ms a tick, at the pace it is heard

G.711 µ-law at 8 kHz, as every carrier that streams has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from calls.media.frames import LinkClock, QueuedAudioInput
from calls.media.g711 import G711Decoder, G711Encoder
from calls.media.link import (
    FRAME_MS,
    INPUT_RATE_HZ,
    AudioTap,
    LinkEnd,
    LinkStats,
    MediaNeverConnected,
)
from calls.media.output import PulledAudioOutput
from calls.media.pacer import pacer
from calls.media.tones import frames_of, key_tone
from calls.telephony.digits import DigitBox, checked_digits
from calls.telephony.protocol import (
    DigitListener,
    NoAnswerOutcome,
    NotAnswered,
    RejectReason,
    TransferFailure,
    TransferRefused,
)

logger = logging.getLogger(__name__)

MAX_UNSENT: Final = 50  # frames: a second; a carrier that reads no more loses the rest
_RATE_HZ: Final = 8_000

# Sends 20 ms of µ-law; None drops what the carrier holds back.
Send = Callable[[bytes], Awaitable[None]]


class LineControl:
    """What a carrier can do with a call beside its audio; each carrier has its own.

    Where it presses no keys, they go as tones in the audio.
    """

    presses_keys: ClassVar[bool] = False

    async def answer(self) -> None:
        """Take a call that rings at us."""
        raise NotImplementedError

    async def reject(self, reason: RejectReason) -> None:
        """Turn a call away that rings at us."""
        raise NotImplementedError

    async def hang_up(self) -> None:
        """End a call at any time."""
        raise NotImplementedError

    async def send_digits(self, digits: str) -> None:
        """Press keys, where the carrier does; `digits` was checked."""
        raise NotImplementedError


class StreamLeg:
    """An `IncomingLeg`; also the `Leg` of a call we made, which is never rung or answered."""

    def __init__(self, control: LineControl, *, label: str = "Telephone") -> None:
        self._control = control
        self._clock = LinkClock()
        self._due_s: float | None = None
        self._input = QueuedAudioInput(label=label)
        self._output = PulledAudioOutput(
            sample_rate_hz=_RATE_HZ,
            offset_ms=lambda: self._clock.offset_ms(self._due_s),
            label=label,
        )
        self._encoder, self._decoder = G711Encoder("PCMU"), G711Decoder("PCMU")
        self._caller_tap: AudioTap | None = None
        self._digits = DigitBox()
        self._unsent: asyncio.Queue[bytes] = asyncio.Queue(MAX_UNSENT)
        self._tones: deque[bytes] = deque()  # frames, heard before anything else
        self._sending: asyncio.Task[None] | None = None
        self._received = 0
        self._is_on_hold = False
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = loop.create_future()
        self._answered.add_done_callback(lambda f: f.cancelled() or f.exception())
        self._closed: asyncio.Future[LinkEnd] = loop.create_future()

    # --- what the carrier's socket and events tell ---

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    @property
    def is_connected(self) -> bool:
        """Whether audio flows, or has flowed."""
        return self._sending is not None

    def on_closed(self, tell: Callable[[], None]) -> None:
        """Call this once the call is over."""
        self._closed.add_done_callback(lambda _: tell())

    def connect(self, send: Send) -> bool:
        """Audio flows from now on; False when the call is over or has audio already."""
        if self.is_closed or self._sending is not None:
            return False
        self._clock.start()
        self._sending = asyncio.create_task(self._send(send), name="stream-send")
        pacer().add(self._tick)
        if not self._answered.done():
            self._answered.set_result(None)
        return True

    def hear(self, payload: bytes) -> None:
        """Take µ-law of the other side, in pieces of any length."""
        if self._is_on_hold or self.is_closed or not payload:
            return
        self._received += 1
        pcm = self._decoder.decode(payload)
        if self._caller_tap is not None:
            self._caller_tap(pcm, INPUT_RATE_HZ, self._clock.offset_ms())
        self._input.push(pcm)

    def press(self, key: str) -> None:
        """Take a key that was pressed."""
        self._digits.press(key)

    def refuse(self, refusal: NotAnswered) -> None:
        """Nobody will answer."""
        if not self._answered.done():
            self._answered.set_exception(refusal)
        self.finish(LinkEnd.REMOTE_HANGUP)

    def finish(self, end: LinkEnd) -> None:
        """The call is over; the first reason stays."""
        if self._closed.done():
            return
        self._closed.set_result(end)
        if not self._answered.done():
            self._answered.set_exception(
                NotAnswered(NoAnswerOutcome.NO_ANSWER, "The call ended while it rang.")
            )
        pacer().remove(self._tick)
        self._input.end()
        self._output.close()
        self._caller_tap = None
        if self._sending is not None:
            self._sending.cancel()

    # --- MediaLink and Leg ---

    @property
    def audio_input(self) -> QueuedAudioInput:
        return self._input

    @property
    def audio_output(self) -> PulledAudioOutput:
        return self._output

    @property
    def offset_ms(self) -> int:
        return self._clock.offset_ms()

    async def wait_answered(self) -> None:
        await asyncio.shield(self._answered)

    async def wait_connected(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self.wait_answered()
        except (TimeoutError, NotAnswered) as error:
            raise MediaNeverConnected(str(error) or "No audio came.") from error

    async def wait_closed(self) -> LinkEnd:
        return await asyncio.shield(self._closed)

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._caller_tap = caller
        self._output.tap = assistant

    def stats(self) -> LinkStats:
        return LinkStats(received_packets=self._received, codec="PCMU")

    def set_digit_listener(self, listener: DigitListener | None) -> None:
        self._digits.listen(listener)

    async def send_digits(self, digits: str) -> None:
        keys = checked_digits(digits)
        if self._control.presses_keys:
            await self._control.send_digits(keys)
            return
        for key in keys:
            self._tones.extend(frames_of(key_tone(key, _RATE_HZ), _RATE_HZ))

    @property
    def is_on_hold(self) -> bool:
        return self._is_on_hold

    async def hold(self) -> None:
        self._is_on_hold = True

    async def resume(self) -> None:
        self._is_on_hold = False

    async def transfer(self, destination: str) -> None:
        """Refuse: a carrier that streams tells nobody whether the other side answered."""
        raise TransferRefused(TransferFailure.NOT_SUPPORTED)

    async def ring(self) -> None:
        """The carrier rings by itself until we answer."""

    async def answer_early(self) -> None:
        """Answer: these carriers open no audio before."""
        await self.answer()

    async def answer(self) -> None:
        if self.is_closed:
            raise NotAnswered(NoAnswerOutcome.NO_ANSWER, "The caller hung up.")
        if self._sending is None:
            await self._control.answer()
        await self.wait_answered()

    async def reject(
        self, reason: RejectReason, *, retry_after_s: int | None = None
    ) -> None:
        if self.is_closed:
            return
        if self._sending is None:
            await self._control.reject(reason)
        else:
            await self._control.hang_up()
        self.finish(LinkEnd.LOCAL_CLOSE)

    async def hang_up(self) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self.is_closed:
            return
        self.finish(LinkEnd.LOCAL_CLOSE)
        await self._control.hang_up()

    # --- inside ---

    def _tick(self, due_s: float, missed: int) -> None:
        self._due_s = due_s
        for _ in range(missed + 1):
            pcm = self._next_frame()
        self._due_s = None
        if pcm is not None and not self._unsent.full():
            self._unsent.put_nowait(self._encoder.encode(pcm))

    def _next_frame(self) -> bytes | None:
        if self._is_on_hold:
            return None
        return self._tones.popleft() if self._tones else self._output.pull(FRAME_MS)

    async def _send(self, send: Send) -> None:
        try:
            while True:
                await send(await self._unsent.get())
        except ConnectionError:
            self.finish(LinkEnd.LOST)
