"""A browser's audio over aiortc: one link a call, however often its network changes.

    page ─ offer ─▶ answer() ─ RTCPeerConnection ─ RtpPlane ─┬▶ Hearing ────▶ input
                                                             └◀ OpusEncoder ◀ output

aiortc has no ICE restart. After a network change the page makes a new peer connection
and offers again; the old one is closed, the audio input and output live on, and what
the assistant was saying waits, unheard and uncounted, until audio flows again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidStateError, OperationError

from calls.media.frames import LinkClock, QueuedAudioInput
from calls.media.hearing import STARVED_S, Hearing
from calls.media.jitter import Piece
from calls.media.link import AudioTap, LinkEnd, LinkStats, MediaNeverConnected
from calls.media.offer import (
    PARSE_ERRORS,
    BadOffer,
    check_offer,
    is_end_of_candidates,
    parse_candidate,
)
from calls.media.opus import OpusEncoder
from calls.media.output import PulledAudioOutput
from calls.media.path import OPUS, Path, close_path
from calls.media.rtp_plane import RtpPlane

logger = logging.getLogger(__name__)

_WATCH_S = 0.25
_TALKING_S = 1.0  # a connection that ends this soon after a packet was closed, not lost
_MAX_EARLY_CANDIDATES = 64
_NEGOTIATION_ERRORS = (
    *PARSE_ERRORS,
    InternalError,
    InvalidStateError,
    OperationError,
)


class WebRTCLink:
    """A `MediaLink` to a page that offers; see `calls.media.link` for what it promises.

    `lost_after_s` without a packet ends the link as lost; a page whose network changed
    has that long to offer again. A page that closes its connection without offering
    again within `rejoin_s` has hung up.
    """

    def __init__(
        self,
        configuration: RTCConfiguration | None = None,
        *,
        lost_after_s: float = 10.0,
        rejoin_s: float = 1.5,
    ) -> None:
        self._configuration = configuration or RTCConfiguration(iceServers=[])
        self._lost_after_s = lost_after_s
        self._rejoin_s = rejoin_s
        self._clock = LinkClock()
        self._input = QueuedAudioInput(label="Browser microphone")
        self._output = PulledAudioOutput(
            offset_ms=self._sent_offset_ms, label="Browser speaker"
        )
        self._encoder = OpusEncoder(sample_rate_hz=self._output.sample_rate_hz)
        self._hearing = Hearing(self._input, self._clock)
        self._path: Path | None = None
        self._signalling = asyncio.Lock()
        self._early_candidates: deque[Any] = deque(maxlen=_MAX_EARLY_CANDIDATES)
        self._end: LinkEnd | None = None
        self._connected = asyncio.Event()
        self._closed = asyncio.Event()
        self._watch_timer: asyncio.TimerHandle | None = None
        self._closings: set[asyncio.Task[None]] = set()
        self._past = LinkStats()  # as it was when the last path was retired

    # --- MediaLink ------------------------------------------------------------------

    @property
    def audio_input(self) -> QueuedAudioInput:
        return self._input

    @property
    def audio_output(self) -> PulledAudioOutput:
        return self._output

    @property
    def offset_ms(self) -> int:
        """Milliseconds since the audio first connected."""
        return self._clock.offset_ms()

    async def wait_connected(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            raise MediaNeverConnected(self._why_unconnected()) from None
        if not self._clock.is_started:
            raise MediaNeverConnected("The call was closed before audio could flow.")

    async def wait_closed(self) -> LinkEnd:
        await self._closed.wait()
        assert self._end is not None
        return self._end

    def set_taps(self, *, caller: AudioTap | None, assistant: AudioTap | None) -> None:
        self._hearing.tap = caller
        self._output.tap = assistant

    def stats(self) -> LinkStats:
        """Return the counts of the whole call and the timing of its last path."""
        past, path = self._past, self._path
        if path is None:
            return past
        quality, round_trip_s = path.plane.quality, path.plane.round_trip_s
        return LinkStats(
            received_packets=past.received_packets + quality.received_packets,
            lost_packets=past.lost_packets + quality.lost_packets,
            jitter_ms=round(quality.jitter_s * 1000, 2),
            late_p99_ms=quality.late_ms(0.99),
            round_trip_ms=None
            if round_trip_s is None
            else round(round_trip_s * 1000, 2),
        )

    async def aclose(self) -> None:
        self._finish(LinkEnd.LOCAL_CLOSE)
        async with self._signalling:
            pass  # an answer being made sees the end and takes itself down
        if self._closings:
            await asyncio.wait(set(self._closings))

    # --- signalling -----------------------------------------------------------------

    async def answer(self, offer_sdp: str) -> str:
        """Return the answer to an offer, the first one or one after a network change.

        Raises `BadOffer` for what cannot be answered; a call in progress goes on then.
        """
        check_offer(offer_sdp)
        async with self._signalling:
            if self._end is not None:
                raise BadOffer("The call is over.")
            path = self._make_path()
            try:
                await path.pc.setRemoteDescription(
                    RTCSessionDescription(sdp=offer_sdp, type="offer")
                )
                while self._early_candidates:
                    await self._add(path, self._early_candidates.popleft())
                await path.pc.setLocalDescription()
            except _NEGOTIATION_ERRORS as error:
                await close_path(path)
                raise BadOffer("The offer cannot be answered.") from error
            except BaseException:
                await close_path(path)
                raise
            if self._end is not None:  # closed while candidates were gathered
                await close_path(path)
                raise BadOffer("The call is over.")
            self._retire_path()
            self._path = path
            self._hearing.restart()
            self._watch()
            return str(path.pc.localDescription.sdp)

    async def add_candidate(self, candidate: object) -> None:
        """Take one candidate as a browser trickles it; None says there are no more.

        One that comes before the offer is kept for it. Raises `BadCandidate`.
        """
        is_end = is_end_of_candidates(candidate)
        parsed = parse_candidate(candidate)
        if parsed is None and not is_end:
            return
        async with self._signalling:
            if self._end is not None:
                return
            if self._path is None:
                self._early_candidates.append(parsed)
            else:
                await self._add(self._path, parsed)

    @staticmethod
    async def _add(path: Path, candidate: Any) -> None:
        try:
            await path.pc.addIceCandidate(candidate)
        except PARSE_ERRORS:
            # aioice refuses addresses it cannot use, for instance a name that is no
            # .local name; the others of the page are still tried.
            logger.debug("A candidate was refused", exc_info=True)

    # --- inside ---------------------------------------------------------------------

    def _make_path(self) -> Path:
        pc = RTCPeerConnection(self._configuration)
        plane = RtpPlane(
            next_payload=lambda: self._next_payload(path),
            on_piece=lambda piece: self._hear(path, piece),
            on_connected=lambda: self._on_connected(path),
            on_gone=lambda: self._on_gone(path),
        )
        path = Path(pc, plane)
        transceiver = pc.addTransceiver("audio", direction="sendrecv")
        transceiver.setCodecPreferences(OPUS)
        plane.attach(transceiver)
        return path

    def _hear(self, path: Path, piece: Piece) -> None:
        if path is self._path:
            self._hearing.add(piece)

    def _next_payload(self, path: Path) -> bytes | None:
        if path is not self._path:
            return None
        last_s = path.plane.last_arrival_s
        if last_s is not None and time.monotonic() - last_s > STARVED_S:
            self._hearing.starve()
        return self._encoder.encode(self._output.pull())

    def _sent_offset_ms(self) -> int:
        """Return when what is pulled now is due: even when the loop was late for it."""
        return self._clock.offset_ms(self._path.plane.due_s if self._path else None)

    def _on_connected(self, path: Path) -> None:
        if path is self._path and self._end is None:
            self._clock.start()
            self._connected.set()

    def _on_gone(self, path: Path) -> None:
        path.gone_at_s = time.monotonic()

    def _watch(self) -> None:
        """Notice loss and hang-up; runs itself again until the end."""
        if self._watch_timer is not None:
            self._watch_timer.cancel()
            self._watch_timer = None
        path = self._path
        if self._end is not None or path is None:
            return
        now_s = time.monotonic()
        last_s = path.plane.last_arrival_s
        if last_s is not None and now_s - last_s > self._lost_after_s:
            self._finish(LinkEnd.LOST)
            return
        if path.gone_at_s is not None and last_s is not None:
            was_talking = path.gone_at_s - last_s < _TALKING_S
            if was_talking and now_s - path.gone_at_s > self._rejoin_s:
                self._finish(LinkEnd.REMOTE_HANGUP)
                return
        loop = asyncio.get_running_loop()
        self._watch_timer = loop.call_later(_WATCH_S, self._watch)

    def _finish(self, end: LinkEnd) -> None:
        if self._end is not None:
            return
        self._end = end
        if self._watch_timer is not None:
            self._watch_timer.cancel()
            self._watch_timer = None
        self._input.end()
        self._output.close()
        self._hearing.tap = None
        self._connected.set()
        self._closed.set()
        self._retire_path()

    def _retire_path(self) -> None:
        """Close the present path in the background: its far end may be gone."""
        self._past = self.stats()
        path, self._path = self._path, None
        if path is None:
            return
        task = asyncio.create_task(close_path(path))
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def _why_unconnected(self) -> str:
        path = self._path
        if path is None:
            return "The page never offered audio."
        state = path.pc.iceConnectionState
        if state == "completed":
            return "A network path was found, but encryption could not be agreed on."
        return (
            "No network path to the caller was found; a firewall may block UDP, "
            "and a TURN server may be needed."
        )
