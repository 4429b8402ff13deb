"""A synthetic caller's peer connection."""

from __future__ import annotations

import asyncio
import time

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from calls.media.caller.ear import Ear
from calls.media.caller.talk import LATE_MS, Heard, Mouth, Talker
from calls.media.caller.utterance import silent_packets
from calls.media.frames import LinkClock
from calls.media.hearing import STARVED_S, Hearing
from calls.media.jitter import Piece
from calls.media.link import FRAME_MS, MediaNeverConnected
from calls.media.path import OPUS, Path, close_path
from calls.media.rtp_plane import RtpPlane


class CallerMedia(Talker):
    """Offers, sends what it is told to say, and hears; close it with `aclose`."""

    def __init__(
        self, configuration: RTCConfiguration | None = None, *, max_kept_ms: int = 0
    ) -> None:
        self.ear = Ear(max_kept_ms=max_kept_ms)
        self.first_packet_s: float | None = None
        self._clock = LinkClock()
        self._hearing = Hearing(self.ear, self._clock)
        self.mouth = Mouth(silence=silent_packets()[0])
        self._connected = asyncio.Event()
        self._gone = asyncio.Event()
        pc = RTCPeerConnection(configuration or RTCConfiguration(iceServers=[]))
        self._plane = RtpPlane(
            next_payload=self._next_payload,
            on_piece=self._hear,
            on_connected=self._connected.set,
            on_gone=self._gone.set,
        )
        self._path = Path(pc, self._plane)
        transceiver = pc.addTransceiver("audio", direction="sendrecv")
        transceiver.setCodecPreferences(OPUS)
        self._plane.attach(transceiver)

    async def offer(self) -> str:
        """Return an offer with every candidate in it: nothing is trickled."""
        await self._path.pc.setLocalDescription()
        return str(self._path.pc.localDescription.sdp)

    async def accept(self, answer_sdp: str, *, timeout_s: float = 15.0) -> None:
        """Return when audio flows; raise `MediaNeverConnected` otherwise."""
        await self._path.pc.setRemoteDescription(
            RTCSessionDescription(sdp=answer_sdp, type="answer")
        )
        try:
            await asyncio.wait_for(self._connected.wait(), timeout_s)
        except TimeoutError:
            raise MediaNeverConnected("No network path to the server.") from None

    @property
    def is_gone(self) -> bool:
        """Whether the other side has closed the connection."""
        return self._gone.is_set()

    def heard(self) -> Heard:
        quality = self._plane.quality
        bad = quality.lost_packets + quality.later_than(LATE_MS)
        expected = max(1, quality.expected_packets)
        return Heard(
            received_ms=quality.received_packets * FRAME_MS,
            speech_ms=self.ear.speech_ms,
            late_p99_ms=quality.late_ms(0.99),
            glitch_percent=round(100 * bad / expected, 3),
        )

    async def aclose(self) -> None:
        await close_path(self._path)

    # --- inside ---------------------------------------------------------------------

    def _hear(self, piece: Piece) -> None:
        if self.first_packet_s is None:
            self.first_packet_s = time.monotonic()
        self._hearing.add(piece)

    def _next_payload(self) -> bytes:
        last_s = self._plane.last_arrival_s
        if last_s is not None and time.monotonic() - last_s > STARVED_S:
            self._hearing.starve()
        return self.mouth.next_packet()
