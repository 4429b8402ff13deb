"""The RTP half of an aiortc connection, done by us in one task per call.

aiortc negotiates, does ICE and DTLS, and encrypts; that is kept. Its media half costs
a task, a thread and a queue per direction and 80 ms of prefetch, so it is left aside:
`RtpPlane.attach` takes the place of a transceiver's sender and receiver.

    20 ms tick ──▶ next_payload() ──▶ RTP header ──▶ SRTP ──▶ ICE
    UDP socket ──▶ SRTP ──▶ RTP header ──▶ Reorder ──▶ on_piece()

Audio is taken where it leaves the socket: through ICE, which looks for STUN in it first,
and DTLS it passes a queue and wakes a task for each packet, a tenth of a call's CPU.

It leans on names of aiortc 1.16 and aioice that are not public: `RTCDtlsTransport`'s
`_send_rtp`, `_rx_srtp`, `_register_rtp_sender`, `_register_rtp_receiver`, the senders'
`_ssrc`, the ICE transport's `_connection` and its `_protocols`.
`tests/calls/media/test_web_link.py` fails if one of them goes.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pylibsrtp
from aiortc import RTCRtpTransceiver, clock
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    is_rtcp,
)
from aiortc.utils import random16, random32

from calls.media.jitter import Piece, Reorder
from calls.media.link import FRAME_MS
from calls.media.opus import RTP_CLOCK_HZ, RTP_TICKS
from calls.media.quality import ReceiveQuality
from common.edges import contained

logger = logging.getLogger(__name__)

_HEADER = struct.Struct("!BBHLL")
_RTCP_EVERY_FRAMES = 100  # 2 s
_GIVE_UP_S = 0.2  # a send loop this late starts a new schedule: no burst of old audio
_MOST_AT_ONCE = 50  # a second of audio
_MOST_BYTES = 65_536


def _nothing_to_send() -> bytes | None:
    return None


def _not_listening(piece: Piece) -> None:
    pass


class RtpPlane:
    """Sends what `next_payload` gives each 20 ms and hands on what arrives, in order.

    `next_payload` may return None: nothing is sent for that tick. `on_connected` is
    called once when audio can flow, `on_gone` once when the other side closes the
    connection or it breaks; neither after `stop()`.
    """

    def __init__(
        self,
        *,
        next_payload: Callable[[], bytes | None],
        on_piece: Callable[[Piece], None],
        on_connected: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self.last_arrival_s: float | None = None
        self.due_s: float | None = None  # when the payload asked for now should leave
        self.quality = ReceiveQuality(RTP_CLOCK_HZ)
        self.round_trip_s: float | None = None
        self.sent_packets = 0
        self._next_payload = next_payload
        self._on_piece = on_piece
        self._on_connected: Callable[[], None] | None = on_connected
        self._on_gone: Callable[[], None] | None = on_gone
        self._reorder = Reorder()
        self._dtls: Any = None
        self._task: asyncio.Task[None] | None = None
        self._is_late = False
        self._payload_type = -1
        self._remote_ssrc: int | None = None
        self._sequence = random16() % 0x8000
        self._timestamp = random32()
        self._sent_octets = 0
        self._last_report: tuple[int, float] | None = None  # of ours: ntp middle, when
        self._their_report: tuple[int, float] | None = None
        self._ssrc = 0  # read by aiortc's router

    def attach(self, transceiver: RTCRtpTransceiver) -> None:
        """Take the place of this transceiver's sender and receiver before it starts."""
        self._ssrc = transceiver.sender._ssrc
        self._dtls = transceiver.receiver.transport
        transceiver.sender.send = self._start_sending  # type: ignore[method-assign]
        transceiver.sender.stop = self.stop  # type: ignore[method-assign]
        transceiver.receiver.receive = self._start_receiving  # type: ignore[method-assign]
        transceiver.receiver.stop = self.stop  # type: ignore[method-assign]

    async def stop(self) -> None:
        """Stop both directions and let go of the connection; safe to call twice."""
        dtls, self._dtls = self._dtls, None
        # Callbacks are let go too: they hold the link, which holds this plane.
        self._on_connected = self._on_gone = None
        self._next_payload, self._on_piece = _nothing_to_send, _not_listening
        if dtls is not None:
            dtls._unregister_rtp_sender(self)
            dtls._unregister_rtp_receiver(self)
            for protocol in dtls.transport._connection._protocols:
                vars(protocol).pop("datagram_received", None)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if dtls is not None:
                await self._send_rtcp(dtls, RtcpByePacket(sources=[self._ssrc]))

    # --- called by aiortc once DTLS is up -------------------------------------------

    async def _start_sending(self, parameters: Any) -> None:
        if self._task is None and self._dtls is not None:
            self._dtls._register_rtp_sender(self, parameters)
            self._payload_type = parameters.codecs[0].payloadType
            self._task = asyncio.create_task(self._send_loop(self._dtls))

    async def _start_receiving(self, parameters: Any) -> None:
        on_connected, self._on_connected = self._on_connected, None
        if on_connected is None or self._dtls is None:
            return
        self._dtls._register_rtp_receiver(self, parameters)
        for protocol in self._dtls.transport._connection._protocols:
            protocol.datagram_received = self._receiver(self._dtls._rx_srtp, protocol)
        self.last_arrival_s = time.monotonic()
        on_connected()

    # --- sending --------------------------------------------------------------------

    async def _send_loop(self, dtls: Any) -> None:
        # Nobody awaits a call's task while it runs.
        with contained(logger, "sending audio failed"), suppress(ConnectionError):
            await self._keep_sending(dtls)
        self._gone()

    async def _keep_sending(self, dtls: Any) -> None:
        due_s = time.monotonic()
        ticks = 0
        while True:
            self.due_s = due_s
            payload = self._next_payload()
            if payload is not None:
                await dtls._send_rtp(self._packet(payload))
                self.sent_packets += 1
                self._sent_octets += len(payload)
            self._timestamp = (self._timestamp + RTP_TICKS) & 0xFFFFFFFF
            ticks += 1
            if ticks % _RTCP_EVERY_FRAMES == 25:
                await self._send_rtcp(dtls, self._report())
            due_s += FRAME_MS / 1000
            wait_s = due_s - time.monotonic()
            self._is_late = wait_s < -FRAME_MS / 1000
            if wait_s < -_GIVE_UP_S:
                missed = int(-wait_s * 1000) // FRAME_MS
                self._timestamp = (self._timestamp + missed * RTP_TICKS) & 0xFFFFFFFF
                due_s += missed * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, wait_s))

    def _packet(self, payload: bytes) -> bytes:
        header = _HEADER.pack(
            0x80, self._payload_type, self._sequence, self._timestamp, self._ssrc
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return header + payload

    def _report(self) -> RtcpSrPacket | RtcpRrPacket:
        reports = []
        if self._remote_ssrc is not None:
            last_report, delay = 0, 0
            if self._their_report is not None:
                last_report, at_s = self._their_report
                delay = min(int((time.monotonic() - at_s) * 65_536), 0xFFFFFFFF)
            reports.append(
                RtcpReceiverInfo(
                    ssrc=self._remote_ssrc,
                    fraction_lost=min(self.quality.take_fraction_lost(), 255),
                    packets_lost=min(self.quality.lost_packets, 2**23 - 1),
                    highest_sequence=self.quality.highest_sequence & 0xFFFFFFFF,
                    jitter=int(self.quality.jitter_s * RTP_CLOCK_HZ) & 0xFFFFFFFF,
                    lsr=last_report,
                    dlsr=delay,
                )
            )
        if not self.sent_packets:
            return RtcpRrPacket(ssrc=self._ssrc, reports=reports)
        ntp = clock.current_ntp_time()
        self._last_report = ((ntp >> 16) & 0xFFFFFFFF, time.monotonic())
        return RtcpSrPacket(
            ssrc=self._ssrc,
            sender_info=RtcpSenderInfo(
                ntp_timestamp=ntp,
                rtp_timestamp=self._timestamp,
                packet_count=self.sent_packets & 0xFFFFFFFF,
                octet_count=self._sent_octets & 0xFFFFFFFF,
            ),
            reports=reports,
        )

    @staticmethod
    async def _send_rtcp(dtls: Any, packet: AnyRtcpPacket) -> None:
        try:
            await dtls._send_rtp(bytes(packet))
        except ConnectionError:
            logger.debug("A connection closed before its last report")

    # --- receiving ------------------------------------------------------------------

    def _receiver(
        self, srtp: pylibsrtp.Session, protocol: Any
    ) -> Callable[[bytes, Any], None]:
        """Return what takes a socket's packets: audio for us, the rest for ICE.

        The loop hands over one packet a turn. When its turns are longer than a frame,
        packets would wait ever longer, those by which ICE knows that the other side is
        there as well, and after 30 s every call of the process would be given up. So
        while this call sends late, all that wait are taken.
        """
        pass_on = protocol.datagram_received
        socket = getattr(protocol.transport, "_sock", None)  # none behind a TURN server

        def receive(data: bytes, address: Any) -> None:
            take(data, address)
            if self._is_late and socket is not None:
                for _ in range(_MOST_AT_ONCE):
                    try:
                        data, address = socket.recvfrom(_MOST_BYTES)
                    except OSError:  # nothing waits, mostly; an error comes again
                        break
                    take(data, address)

        def take(data: bytes, address: Any) -> None:
            if len(data) < 12 or data[0] >> 6 != 2 or is_rtcp(data):
                pass_on(data, address)
                return
            # What breaks here ends this call only.
            with contained(logger, "hearing audio failed") as hearing:
                try:
                    self._take(srtp.unprotect(data))
                except pylibsrtp.Error:
                    logger.debug(
                        "A packet that nobody of this call encrypted was dropped"
                    )
            if hearing.error is not None:
                self._gone()

        return receive

    def _take(self, data: bytes) -> None:
        """Take one decrypted RTP packet; anything malformed is dropped."""
        if len(data) < 12:
            return
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != 2 or second & 0x7F != self._payload_type:
            return
        start, end = 12 + 4 * (first & 0x0F), len(data)
        if first & 0x10:
            if end < start + 4:
                return
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        if first & 0x20:
            end -= data[-1]
        if end < start:
            return
        if ssrc != self._remote_ssrc:
            self._remote_ssrc = ssrc
            self._reorder = Reorder()
            self.quality = ReceiveQuality(RTP_CLOCK_HZ)
        self.last_arrival_s = arrived_s = time.monotonic()
        self.quality.add(sequence, timestamp, arrived_s)
        for piece in self._reorder.add(sequence, timestamp, data[start:end]):
            self._on_piece(piece)

    async def _handle_rtp_packet(self, packet: Any, arrival_time_ms: int) -> None:
        """Part of aiortc's receiver protocol; never reached, see `_receiver`."""

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            ntp_middle = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF
            self._their_report = (ntp_middle, time.monotonic())
        if isinstance(packet, RtcpSrPacket | RtcpRrPacket):
            for report in packet.reports:
                if self._last_report is not None and report.dlsr:
                    ntp_middle, at_s = self._last_report
                    if report.ssrc == self._ssrc and report.lsr == ntp_middle:
                        self.round_trip_s = max(
                            0.0, time.monotonic() - at_s - report.dlsr / 65_536
                        )

    def _handle_disconnect(self) -> None:
        self._gone()

    def _gone(self) -> None:
        on_gone, self._on_gone = self._on_gone, None
        if on_gone is not None:
            on_gone()
