"""One simulated telephone call: ringing, then 20 ms of audio both ways, every 20 ms.

One task lives the whole life of the leg. It follows the loop's clock without drift: it
sleeps until each frame's own due time, so a late wake-up makes no later frame late. All
waiting is on the loop's clock, so tests run on virtual time.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess

from calls.media.frames import FRAME_BYTES, SILENT_FRAME, QueuedAudioInput
from calls.media.link import (
    FRAME_MS,
    INPUT_RATE_HZ,
    AudioTap,
    LinkEnd,
    LinkStats,
    MediaNeverConnected,
)
from calls.media.output import PulledAudioOutput
from calls.telephony.digits import DigitBox, checked_digits
from calls.telephony.protocol import (
    DigitListener,
    NoAnswerOutcome,
    NotAnswered,
    PlaceRequest,
    TransferFailure,
    TransferRefused,
)
from calls.telephony.simulator.behaviour import CalleeBehaviour
from calls.telephony.simulator.callees import Callee, callee_at
from calls.telephony.simulator.speech import voices_for
from calls.vendors.offline.voices import SpeechFailed

logger = logging.getLogger(__name__)

_REFUSED = {
    NoAnswerOutcome.BUSY: TransferFailure.BUSY,
    NoAnswerOutcome.NO_ANSWER: TransferFailure.NO_ANSWER,
    NoAnswerOutcome.REJECTED: TransferFailure.REFUSED,
    NoAnswerOutcome.FAILED: TransferFailure.FAILED,
}

# Further behind than this the process was suspended: catching up would be a burst of
# audio nobody could have heard.
MAX_BEHIND_S = 1.0


class SimulatorLeg:
    """A `Leg` whose other end is a `Callee`."""

    def __init__(self, request: PlaceRequest, callee: Callee) -> None:
        self.request = request
        self._callee = callee
        self._input = QueuedAudioInput()
        self._output = PulledAudioOutput(
            sample_rate_hz=INPUT_RATE_HZ, offset_ms=lambda: self._offset_ms
        )
        self._caller_tap: AudioTap | None = None
        self._offset_ms = 0
        self._digits = DigitBox()
        self._is_on_hold = False
        self.sent_digits = ""  # what the callee's telephone was told
        self._late_ms: list[float] = []
        loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[LinkEnd] = loop.create_future()
        # Nobody may be waiting; an outcome nobody asked for is no error.
        self._answered.add_done_callback(lambda f: f.cancelled() or f.exception())
        self.behaviour: CalleeBehaviour | None = None
        self._task = loop.create_task(self._live(), name=f"callee {request.call_id}")

    @property
    def audio_input(self) -> QueuedAudioInput:
        return self._input

    @property
    def audio_output(self) -> PulledAudioOutput:
        return self._output

    @property
    def offset_ms(self) -> int:
        return self._offset_ms

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    async def wait_answered(self) -> None:
        await asyncio.shield(self._answered)

    async def wait_connected(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self.wait_answered()
        except (TimeoutError, NotAnswered) as error:
            raise MediaNeverConnected(str(error) or "Nobody answered.") from error

    async def wait_closed(self) -> LinkEnd:
        return await asyncio.shield(self._closed)

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._caller_tap = caller
        self._output.tap = assistant

    def stats(self) -> LinkStats:
        late = sorted(self._late_ms)
        return LinkStats(
            received_packets=self._offset_ms // FRAME_MS,
            late_p99_ms=late[len(late) * 99 // 100] if late else 0.0,
        )

    def set_digit_listener(self, listener: DigitListener | None) -> None:
        self._digits.listen(listener)

    async def send_digits(self, digits: str) -> None:
        self.sent_digits += checked_digits(digits)

    def press(self, key: str) -> None:
        """Press a key on the callee's telephone."""
        self._digits.press(key)

    @property
    def is_on_hold(self) -> bool:
        return self._is_on_hold

    async def hold(self) -> None:
        self._is_on_hold = True

    async def resume(self) -> None:
        self._is_on_hold = False

    async def transfer(self, destination: str) -> None:
        """Ring whoever is at `destination`; the table of callees decides who answers."""
        callee = callee_at(destination)
        await asyncio.sleep(min(callee.ring_s, self.request.ring_timeout_s))
        if self.is_closed or not self._answered.done():
            raise TransferRefused(TransferFailure.FAILED, "The call is over.")
        if callee.refusal is not None:
            raise TransferRefused(_REFUSED[callee.refusal], callee.detail)
        self._close(LinkEnd.REMOTE_HANGUP)
        self._task.cancel()

    async def hang_up(self) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._close(LinkEnd.LOCAL_CLOSE)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # --- inside ---------------------------------------------------------------------

    async def _live(self) -> None:
        try:
            await self._ring()
            await self._talk()
        except NotAnswered as refusal:
            if not self._answered.done():
                self._answered.set_exception(refusal)
        except (OSError, ValueError, subprocess.SubprocessError) as error:  # no voice
            logger.exception("simulated callee failed")
            if not self._answered.done():
                self._answered.set_exception(
                    NotAnswered(NoAnswerOutcome.FAILED, str(error))
                )
            self._close(LinkEnd.LOST)
        finally:
            self._close(LinkEnd.REMOTE_HANGUP)

    async def _ring(self) -> None:
        """Ring as long as this callee takes; the voices are made meanwhile."""
        timeout_s = self.request.ring_timeout_s
        voices = asyncio.ensure_future(voices_for(self._callee.phrases))
        try:
            await asyncio.sleep(min(self._callee.ring_s, timeout_s))
            if self._callee.refusal is not None:
                raise NotAnswered(self._callee.refusal, self._callee.detail)
            if self._callee.ring_s > timeout_s:
                raise NotAnswered(NoAnswerOutcome.NO_ANSWER, "Nobody answered.")
            self.behaviour = CalleeBehaviour(self._callee, await voices)
        except SpeechFailed as error:
            raise NotAnswered(NoAnswerOutcome.FAILED, str(error)) from error
        finally:
            voices.cancel()
            voices.add_done_callback(lambda f: f.cancelled() or f.exception())

    async def _talk(self) -> None:
        assert self.behaviour is not None
        loop = asyncio.get_running_loop()
        self._answered.set_result(None)
        due_s = loop.time()
        while not self.behaviour.is_gone:
            due_s += FRAME_MS / 1000
            await asyncio.sleep(due_s - loop.time())
            behind_s = loop.time() - due_s
            self._note_lateness(behind_s * 1000)
            if behind_s > MAX_BEHIND_S:
                due_s = loop.time()
            self._exchange(self.behaviour)

    def _exchange(self, behaviour: CalleeBehaviour) -> None:
        if self._is_on_hold:
            self._input.push(SILENT_FRAME)
            self._offset_ms += FRAME_MS
            return
        heard = self._output.pull(FRAME_MS)
        said = behaviour.tick(heard)
        frame = SILENT_FRAME if said is None else said
        assert len(frame) == FRAME_BYTES
        self._input.push(frame)
        if self._caller_tap is not None:
            self._caller_tap(frame, INPUT_RATE_HZ, self._offset_ms)
        self._offset_ms += FRAME_MS

    def _note_lateness(self, late_ms: float) -> None:
        self._late_ms.append(late_ms)
        if len(self._late_ms) > 1_000:
            del self._late_ms[:500]

    def _close(self, end: LinkEnd) -> None:
        """Close once; the first reason stays."""
        if self._closed.done():
            return
        self._closed.set_result(end)
        if not self._answered.done():
            self._answered.set_exception(
                NotAnswered(NoAnswerOutcome.NO_ANSWER, "Hung up while ringing.")
            )
        self._input.end()
        self._output.close()
        self._caller_tap = None
