"""Callers that cost next to nothing, so that what is measured is the other side.

aiortc makes the connection; then this takes its socket. Packets were encoded before the
call. What comes back is neither decrypted nor decoded: sequence, timestamp and length
of a packet stand outside of its encryption, and silence is known by its length.

It leans on names of aiortc and aioice that are not public, as `calls.media.rtp_plane`.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.utils import random16, random32

from calls.media.caller.utterance import Utterance, silent_packets
from calls.media.path import OPUS

FRAME_MS = 20
FRAMES_A_SECOND = 1000 // FRAME_MS
TICKS = 960  # of the RTP clock in a frame
PERIOD_S = 6.0  # each caller says its phrase this often, whatever is answered
LATE_MS = 40
SILENT_BYTES = 24  # Opus: silence is 3 bytes, sound three times this and more
TAG_BYTES = 16  # at most, of SRTP
PHASES = 4  # callers send at four different moments of a frame
CONNECT_S = 30.0
DEAD_S = 1.0
HANG_UP_S = 10.0

_HEADER = struct.Struct("!BBHLL")


@dataclass
class Arrivals:
    """Packets of one call in one window: when each came and when it was due."""

    arrived_s: list[float] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)

    def late_ms(self) -> np.ndarray:
        """How much later each came than the quickest did, in ms."""
        if not self.arrived_s:
            return np.zeros(0)
        due = np.unwrap(np.array(self.timestamps, np.float64), period=2.0**32)
        transit = np.array(self.arrived_s) - due / 48_000
        return np.asarray((transit - transit.min()) * 1000)

    def missing(self, window_s: float) -> int:
        """How many were lost or never sent."""
        due = np.unwrap(np.array(self.timestamps, np.float64), period=2.0**32)
        by_clock = int(window_s * FRAMES_A_SECOND) - 2  # a window ends between two
        by_stamp = int(np.ptp(due)) // TICKS + 1 if due.size else 0
        return max(0, max(by_clock, by_stamp) - len(set(self.sequences)))


class Caller:
    """One call to a bot, from offer to hang-up."""

    def __init__(self, utterance: Utterance, *, phase: float) -> None:
        frames = round(PERIOD_S * FRAMES_A_SECOND)
        silence = silent_packets()[0]
        spoken = utterance.packets[: frames - FRAMES_A_SECOND]
        self._payloads = [*spoken, *[silence] * (frames - len(spoken))]
        self._speech_frames = min(utterance.speech_packets, len(spoken))
        self._at = int(phase * frames) % frames
        self._sequence, self._timestamp = random16(), random32()
        self._ssrc = random32()
        self._payload_type = 96
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._transceiver = self._pc.addTransceiver("audio", direction="sendrecv")
        self._transceiver.setCodecPreferences(OPUS)
        self._connected = asyncio.Event()
        self._take_over()
        self._protect: Any = None
        self._send_to: Any = None
        self._remote: Any = None
        self._id = ""
        self._asked_s: float | None = None
        self._last_s = 0.0
        self.arrivals = Arrivals()
        self.responses_ms: list[float] = []
        self.asked = 0
        self.is_gone = False

    def _take_over(self) -> None:
        self._ssrc = self._transceiver.sender._ssrc

        async def started(parameters: Any) -> None:
            self._connected.set()

        async def sending(parameters: Any) -> None:
            self._payload_type = parameters.codecs[0].payloadType

        async def stop() -> None:
            self.is_gone = True

        sender: Any = self._transceiver.sender
        receiver: Any = self._transceiver.receiver
        sender.send, receiver.receive = sending, started
        sender.stop = receiver.stop = stop

    async def connect(self, http: aiohttp.ClientSession, bot_url: str) -> None:
        """Return when audio can flow both ways."""
        await self._pc.setLocalDescription()
        offer = {"sdp": self._pc.localDescription.sdp}
        async with http.post(f"{bot_url}/calls", json=offer) as response:
            response.raise_for_status()
            answer = await response.json()
        self._id = answer["id"]
        await self._pc.setRemoteDescription(
            RTCSessionDescription(answer["sdp"], "answer")
        )
        await asyncio.wait_for(self._connected.wait(), CONNECT_S)
        self._last_s = time.monotonic()
        dtls = self._transceiver.receiver.transport
        connection: Any = dtls.transport._connection
        pair = connection._nominated[1]
        self._protect = dtls._tx_srtp.protect
        self._remote = pair.remote_addr
        self._send_to = pair.protocol.transport.sendto
        for protocol in connection._protocols:  # the other side may choose any of them
            protocol.datagram_received = self._receiver(protocol.datagram_received)

    def _receiver(
        self, pass_on: Callable[[bytes, Any], None]
    ) -> Callable[[bytes, Any], None]:
        def receive(data: bytes, address: Any) -> None:
            if 128 <= data[0] < 192 and not 192 <= data[1] < 224:
                self._hear(data)
            else:
                pass_on(data, address)

        return receive

    def send(self) -> None:
        """Send the next frame; call it each 20 ms."""
        if self._protect is None:
            return
        header = _HEADER.pack(
            0x80, self._payload_type, self._sequence, self._timestamp, self._ssrc
        )
        packet = self._protect(header + self._payloads[self._at])
        self._send_to(packet, self._remote)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + TICKS) & 0xFFFFFFFF
        self._at += 1
        if self._at == self._speech_frames:
            self._asked_s = time.monotonic() + FRAME_MS / 1000
            self.asked += 1
        elif self._at == len(self._payloads):
            self._at = 0

    def _hear(self, data: bytes) -> None:
        now_s = time.monotonic()
        self._last_s = now_s
        arrivals = self.arrivals
        arrivals.arrived_s.append(now_s)
        arrivals.sequences.append(int.from_bytes(data[2:4], "big"))
        arrivals.timestamps.append(int.from_bytes(data[4:8], "big"))
        asked_s = self._asked_s
        if asked_s is None or now_s < asked_s:
            return
        length = len(data) - 12 - TAG_BYTES
        if data[0] & 0x10:
            length -= 4 + 4 * int.from_bytes(data[14:16], "big")
        if length > SILENT_BYTES:
            self.responses_ms.append((now_s - asked_s) * 1000)
            self._asked_s = None

    @property
    def is_dead(self) -> bool:
        """Whether nothing came for so long that the other side must have ended it."""
        return time.monotonic() - self._last_s > DEAD_S

    def begin_window(self) -> None:
        self.arrivals = Arrivals()
        self.responses_ms = []
        self.asked = 0

    async def hang_up(self, http: aiohttp.ClientSession, bot_url: str) -> None:
        """Leave as a page does: say so, and close; a bot that hangs is left alone."""
        self._protect = None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            async with asyncio.timeout(HANG_UP_S):
                if self._id:
                    async with http.delete(f"{bot_url}/calls/{self._id}"):
                        pass
        with contextlib.suppress(TimeoutError, ConnectionError):
            await asyncio.wait_for(self._pc.close(), HANG_UP_S)


class Crowd:
    """Callers of one bot, sending in turn from one task."""

    def __init__(self, bot_url: str, utterance: Utterance) -> None:
        self.callers: list[Caller] = []
        self.lag_ms: list[float] = []
        self._bot_url = bot_url
        self._utterance = utterance
        self._http = aiohttp.ClientSession()
        self._made = 0
        self._sender = asyncio.create_task(self._send())

    async def grow_to(self, count: int) -> None:
        """Have this many callers, three more at a time or all the fewer at once.

        A call that its bot has ended, as one does that is overloaded, is made anew.
        """
        await self.leave([caller for caller in self.callers if caller.is_dead])
        while len(self.callers) < count:
            await self.join(min(3, count - len(self.callers)))
        await self.leave(self.callers[count:])

    async def join(self, count: int) -> Sequence[Caller]:
        """Let this many new callers call at once; return them when all are connected."""
        fresh = []
        for _ in range(count):
            # The golden ratio spreads any number of them evenly over the period.
            fresh.append(Caller(self._utterance, phase=self._made * 0.618 % 1))
            self._made += 1
        await asyncio.gather(
            *(caller.connect(self._http, self._bot_url) for caller in fresh)
        )
        self.callers += fresh
        return fresh

    async def leave(self, callers: Sequence[Caller]) -> None:
        leaving = list(callers)
        self.callers = [c for c in self.callers if c not in leaving]
        await asyncio.gather(
            *(caller.hang_up(self._http, self._bot_url) for caller in leaving)
        )

    async def timings(self) -> list[dict[str, int]]:
        """Return what the bot tells of its turns since it was asked last."""
        async with self._http.get(f"{self._bot_url}/timings") as response:
            told: list[dict[str, int]] = await response.json()
            return told

    async def aclose(self) -> None:
        await self.leave(self.callers)
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        await self._http.close()

    async def _send(self) -> None:
        step_s = FRAME_MS / 1000 / PHASES
        due_s = time.monotonic()
        turn = 0
        while True:
            for caller in self.callers[turn::PHASES]:
                caller.send()
            turn = (turn + 1) % PHASES
            due_s += step_s
            wait_s = due_s - time.monotonic()
            self.lag_ms.append(max(0.0, -wait_s * 1000))
            await asyncio.sleep(max(0.0, wait_s))
