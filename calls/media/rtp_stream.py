"""One telephone call's RTP: packets out each 20 ms, packets in as they come, reports.

    pacer ──▶ next_payload() ──▶ header ──▶ (SRTP) ──▶ socket
    socket ──▶ (SRTP) ──▶ header ──▶ Reorder ──▶ on_piece()

The other side's address is where its packets really come from: behind NAT that is not
what its SDP says. The first one to send holds the call; another may take over only when
it has been silent for a while, so that a stray packet cannot turn a call away. What
neither the SDP nor a packet can do is lead us to an address that `may_reach` refuses:
then nothing is sent, until packets come from one that may be.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import pylibsrtp
from aiortc import clock
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)
from aiortc.utils import random16, random32

from calls.media.arrivals import receive
from calls.media.dtmf import EventPacket, EventReader
from calls.media.jitter import Piece, Reorder
from calls.media.link import FRAME_MS
from calls.media.pacer import STEP_S, Pacer
from calls.media.quality import ReceiveQuality
from calls.media.rtp_format import HEADER, Codec, RtpPacket, is_rtcp, read_rtp
from calls.media.rtp_ports import PortPair
from common.edges import contained

logger = logging.getLogger(__name__)

REPORT_EVERY_TICKS: Final = 250  # 5 s
FIRST_REPORT_TICKS: Final = 50
LATCHED_S: Final = 1.0  # how long a silent sender keeps the call against another
FORMER_S: Final = 1.0  # after an offer that moves them, the place before is not heard
_MOST_AT_ONCE: Final = 50

Address = tuple[str, int]
_NOWHERE: Final = ("", 0)


@dataclass(frozen=True)
class Route:
    """What was agreed for a stream: where to, as what, and with which keys."""

    host: str
    port: int
    codec: Codec
    payload_type: int
    dtmf_type: int | None = None
    noise_type: int | None = None
    rtcp_port: int | None = None  # None: the one above, or the same when muxed
    is_rtcp_muxed: bool = False
    send_policy: Any = field(default=None, repr=False)  # pylibsrtp.Policy
    receive_policy: Any = field(default=None, repr=False)


class RtpStream:
    """Runs from `start` to `close` on sockets that it closes in the end."""

    def __init__(
        self,
        pair: PortPair,
        pacer: Pacer,
        *,
        next_payload: Callable[[float], bytes | EventPacket | None],
        on_piece: Callable[[Piece], None],
        on_digit: Callable[[str], None],
        on_noise: Callable[[bytes], None],
        may_reach: Callable[[str], bool],
    ) -> None:
        self.port = pair.port
        self.last_arrival_s: float | None = None
        self.round_trip_s: float | None = None
        self.remote_lost_percent: float | None = None
        self.quality = ReceiveQuality(8_000)
        self.sent_packets = 0
        self._pair: PortPair | None = pair
        self._pacer = pacer
        self._next_payload = next_payload
        self._on_piece, self._on_digit, self._on_noise = on_piece, on_digit, on_noise
        self._may_reach = may_reach
        self._route: Route | None = None
        self._remote: Address = _NOWHERE
        self._latched_at_s: float | None = None
        self._former: Address = _NOWHERE  # where they were before they moved
        self._former_until_s = 0.0
        self._protect: Callable[[bytes], bytes] | None = None
        self._unprotect: Callable[[bytes], bytes] | None = None
        self._protect_rtcp: Callable[[bytes], bytes] | None = None
        self._unprotect_rtcp: Callable[[bytes], bytes] | None = None
        self._reorder, self._events = Reorder(), EventReader()
        self._ssrc, self._remote_ssrc = random32(), -1
        self._sequence, self._timestamp = random16() % 0x8000, random32()
        self._event_timestamp = 0
        self._is_marked = True
        self._sent_octets = self._ticks = 0
        # Two, for theirs may be on its way while ours of the same moment leaves.
        self._our_reports: deque[tuple[int, float]] = deque(maxlen=2)
        self._their_report: tuple[int, float] | None = None
        self._is_running = False

    def configure(self, route: Route) -> None:
        """Use what was agreed, also anew in the middle of a call."""
        before, self._route = self._route, route
        if before is None or (before.host, before.port) != (route.host, route.port):
            # What is on its way from there must not call us back.
            self._former, self._former_until_s = self._remote, monotonic() + FORMER_S
            # A private address is often that of a telephone behind NAT: it will speak.
            is_open = self._may_reach(route.host)
            self._remote = (route.host, route.port) if is_open else _NOWHERE
            self._latched_at_s = None
        if before is None or before.codec != route.codec:
            self.quality = ReceiveQuality(route.codec.clock_rate_hz)
            self._reorder = Reorder()
        if before is None or before.send_policy is not route.send_policy:
            self._take_keys(route)

    def start(self) -> None:
        """Send and hear from now on; safe to repeat."""
        if self._is_running or self._pair is None:
            return
        self._is_running = True
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pair.rtcp.fileno(), self._report_readable)
        self._pacer.listen(self._pair.rtp.fileno(), self._readable)
        self._pacer.add(self._tick)

    def close(self) -> None:
        """Say goodbye, stop both ways and give the ports back; safe to repeat."""
        pair, self._pair = self._pair, None
        if pair is None:
            return
        if self._is_running:
            self._pacer.remove(self._tick)
            self._pacer.ignore(pair.rtp.fileno())
            asyncio.get_running_loop().remove_reader(pair.rtcp.fileno())
            if self.sent_packets:
                self._send_report(pair, bytes(RtcpByePacket(sources=[self._ssrc])))
        pair.close()
        # Callbacks are let go: they hold the link, which holds this.
        self._next_payload = lambda due_s: None
        self._on_piece = lambda piece: None
        self._on_digit = lambda key: None
        self._on_noise = lambda payload: None

    def _take_keys(self, route: Route) -> None:
        sending = receiving = None
        if route.send_policy is not None:
            sending = pylibsrtp.Session(policy=route.send_policy)
            receiving = pylibsrtp.Session(policy=route.receive_policy)
        self._protect = sending.protect if sending else None
        self._protect_rtcp = sending.protect_rtcp if sending else None
        self._unprotect = receiving.unprotect if receiving else None
        self._unprotect_rtcp = receiving.unprotect_rtcp if receiving else None

    # --- sending --------------------------------------------------------------------

    def _tick(self, due_s: float, missed: int) -> None:
        route, pair = self._route, self._pair
        if route is None or pair is None:
            return
        frame_ticks = route.codec.clock_rate_hz * FRAME_MS // 1000
        self._timestamp = (self._timestamp + missed * frame_ticks) & 0xFFFFFFFF
        payload = self._next_payload(due_s)
        if payload is None:
            self._is_marked = True  # what comes next begins a stretch of talk
        elif isinstance(payload, EventPacket):
            self._send_event(pair, route, payload)
        else:
            self._send(pair, payload, route.payload_type, self._timestamp)
        self._timestamp = (self._timestamp + frame_ticks) & 0xFFFFFFFF
        self._ticks += 1
        if self._ticks % REPORT_EVERY_TICKS == FIRST_REPORT_TICKS:
            self._send_report(pair, self._report(route))

    def _send_event(self, pair: PortPair, route: Route, event: EventPacket) -> None:
        self._is_marked = event.is_first
        if event.is_first:
            self._event_timestamp = self._timestamp
        if event.payload is None or route.dtmf_type is None:
            return
        for _ in range(event.copies):
            self._send(pair, event.payload, route.dtmf_type, self._event_timestamp)

    def _send(
        self, pair: PortPair, payload: bytes, payload_type: int, timestamp: int
    ) -> None:
        if self._remote is _NOWHERE:
            return
        if self._is_marked:
            self._is_marked = False
            payload_type |= 0x80
        packet = (
            HEADER.pack(0x80, payload_type, self._sequence, timestamp, self._ssrc)
            + payload
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self._protect is not None:
            packet = self._protect(packet)
        try:
            pair.rtp.sendto(packet, self._remote)
        except OSError:  # a full buffer or no route for now: as lost on the way
            return
        self.sent_packets += 1
        self._sent_octets += len(payload)

    # --- receiving ------------------------------------------------------------------

    def _readable(self) -> None:
        """Take what has come since the pacer looked last: mostly one packet.

        One that has waited longer was behind another: then all are taken.
        """
        for _ in range(_MOST_AT_ONCE):
            if self._pair is None:
                return
            try:
                data, address, arrived_s = receive(self._pair.rtp)
            except OSError:  # nothing waits, or the other side's port is closed
                return
            with contained(logger, "hearing audio failed"):  # a bad packet ends nothing
                self._take(data, address, arrived_s)
            if monotonic() - arrived_s < STEP_S:
                return

    def _take(self, data: bytes, address: Any, arrived_s: float) -> None:
        if is_rtcp(data):
            self._take_report(data, arrived_s)
            return
        packet, route = self._opened(data), self._route
        if packet is None or route is None:
            return
        kind = packet.payload_type
        if kind not in (route.payload_type, route.dtmf_type, route.noise_type):
            return
        if not self._is_theirs(address, arrived_s):
            return
        self.last_arrival_s = arrived_s
        if packet.ssrc != self._remote_ssrc:
            self._remote_ssrc = packet.ssrc
            self._reorder, self._events = Reorder(), EventReader()
            self.quality = ReceiveQuality(route.codec.clock_rate_hz)
        payload = packet.payload
        if kind == route.payload_type:
            self.quality.add(packet.sequence, packet.timestamp, arrived_s)
        else:
            self.quality.note(packet.sequence)
            self._take_other(kind, packet.timestamp, payload, route)
            payload = b""  # it has a place in the order, and no sound
        for piece in self._reorder.add(packet.sequence, packet.timestamp, payload):
            if piece.payload:
                self._on_piece(piece)

    def _opened(self, data: bytes) -> RtpPacket | None:
        """Return a packet, decrypted; None for what nobody of this call sent."""
        if self._unprotect is not None:
            try:
                data = self._unprotect(data)
            except pylibsrtp.Error:
                return None
        return read_rtp(data)

    def _take_other(
        self, kind: int, timestamp: int, payload: bytes, route: Route
    ) -> None:
        if kind == route.noise_type:
            self._on_noise(payload)
            return
        key = self._events.read(timestamp, payload)
        if key is not None:
            self._on_digit(key)

    def _is_theirs(self, address: Any, now_s: float) -> bool:
        """Whether a packet is from who holds the call, or from who may take it over."""
        source = (address[0], address[1])
        if source == self._remote:
            self._latched_at_s = now_s
            return True
        if source == self._former and now_s < self._former_until_s:
            return False
        if self._latched_at_s is not None and now_s - self._latched_at_s < LATCHED_S:
            return False
        if not self._may_reach(source[0]):
            return False
        self._remote, self._latched_at_s = source, now_s
        return True

    # --- reports --------------------------------------------------------------------

    def _report_readable(self) -> None:
        if self._pair is None:
            return
        try:
            data, _, arrived_s = receive(self._pair.rtcp)
        except OSError:
            return
        self._take_report(data, arrived_s)

    def _take_report(self, data: bytes, arrived_s: float) -> None:
        try:
            if self._unprotect_rtcp is not None:
                data = self._unprotect_rtcp(data)
            packets = RtcpPacket.parse(data)
        except (pylibsrtp.Error, ValueError, struct.error, IndexError):
            return
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                middle = (packet.sender_info.ntp_timestamp >> 16) & 0xFFFFFFFF
                self._their_report = (middle, arrived_s)
            if isinstance(packet, RtcpSrPacket | RtcpRrPacket):
                for report in packet.reports:
                    self._take_reception(report, arrived_s)

    def _take_reception(self, report: RtcpReceiverInfo, arrived_s: float) -> None:
        if report.ssrc != self._ssrc:
            return
        if self.sent_packets:
            lost = max(0, report.packets_lost) / self.sent_packets
            self.remote_lost_percent = round(100 * min(1.0, lost), 2)
        for middle, at_s in self._our_reports:
            if report.lsr == middle:
                round_trip_s = arrived_s - at_s - report.dlsr / 65_536
                self.round_trip_s = max(0.0, round_trip_s)

    def _report(self, route: Route) -> bytes:
        reports = []
        if self._remote_ssrc >= 0:
            middle, delay = 0, 0
            if self._their_report is not None:
                middle, at_s = self._their_report
                delay = min(int((monotonic() - at_s) * 65_536), 0xFFFFFFFF)
            jitter = int(self.quality.jitter_s * route.codec.clock_rate_hz)
            reports.append(
                RtcpReceiverInfo(
                    ssrc=self._remote_ssrc,
                    fraction_lost=min(self.quality.take_fraction_lost(), 255),
                    packets_lost=min(self.quality.lost_packets, 2**23 - 1),
                    highest_sequence=self.quality.highest_sequence & 0xFFFFFFFF,
                    jitter=jitter & 0xFFFFFFFF,
                    lsr=middle,
                    dlsr=delay,
                )
            )
        ntp = clock.current_ntp_time()
        self._our_reports.append(((ntp >> 16) & 0xFFFFFFFF, monotonic()))
        sender = RtcpSrPacket(
            ssrc=self._ssrc,
            sender_info=RtcpSenderInfo(
                ntp_timestamp=ntp,
                rtp_timestamp=self._timestamp,
                packet_count=self.sent_packets & 0xFFFFFFFF,
                octet_count=self._sent_octets & 0xFFFFFFFF,
            ),
            reports=reports,
        )
        # A name that says nothing about this machine or who it calls for.
        name = RtcpSourceInfo(ssrc=self._ssrc, items=[(1, b"%08x" % self._ssrc)])
        return bytes(sender) + bytes(RtcpSdesPacket(chunks=[name]))

    def _send_report(self, pair: PortPair, report: bytes) -> None:
        route = self._route
        if route is None or not self._remote[1]:
            return
        if self._protect_rtcp is not None:
            report = self._protect_rtcp(report)
        socket = pair.rtp if route.is_rtcp_muxed else pair.rtcp
        port = self._remote[1] if route.is_rtcp_muxed else self._remote[1] + 1
        if route.rtcp_port is not None and not route.is_rtcp_muxed:
            port = route.rtcp_port
        try:
            socket.sendto(report, (self._remote[0], port))
        except (OSError, OverflowError):
            logger.debug("a report could not be sent")
