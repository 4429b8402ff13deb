"""A page in process: aiortc's own peer connection, talking to the link under test."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Callable

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from calls.media.webrtc import WebRTCLink

NO_SERVERS = RTCConfiguration(iceServers=[])


class Microphone(MediaStreamTrack):
    """48 kHz audio in real time: `tone_hz` while it is set, silence otherwise."""

    kind = "audio"

    def __init__(self, tone_hz: float | None = None) -> None:
        super().__init__()
        self.tone_hz = tone_hz
        self._at = 0
        self._start_s: float | None = None

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            self._start_s = loop.time()
        await asyncio.sleep(max(0, self._start_s + self._at / 48_000 - loop.time()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        time_s = (self._at + np.arange(960)) / 48_000
        wave = (
            8_000 * np.sin(2 * np.pi * self.tone_hz * time_s)
            if self.tone_hz
            else np.zeros(960)
        )
        frame.planes[0].update(wave.astype(np.int16).tobytes())
        frame.sample_rate = 48_000
        frame.pts = self._at
        frame.time_base = fractions.Fraction(1, 48_000)
        self._at += 960
        return frame


class Browser:
    """One peer connection, and what it heard as 48 kHz mono samples."""

    def __init__(self, microphone: Microphone | None = None) -> None:
        self.pc = RTCPeerConnection(NO_SERVERS)
        self.microphone = microphone or Microphone()
        self.pc.addTrack(self.microphone)
        self._pieces: list[np.ndarray] = []
        self._listening: asyncio.Task[None] | None = None

        @self.pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            self._pieces.append(frame.to_ndarray()[0, ::2].copy())

    @property
    def heard(self) -> np.ndarray:
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def connect(self, link: WebRTCLink) -> None:
        answer = await link.answer(await self.offer())
        await self.pc.setRemoteDescription(
            RTCSessionDescription(sdp=answer, type="answer")
        )
        await link.wait_connected(5)

    def lose(self, is_lost: Callable[[int], bool]) -> None:
        """Drop the packets we send for whose running number `is_lost`."""
        [dtls] = {t.receiver.transport for t in self.pc.getTransceivers()}
        send, count = dtls.transport._send, 0

        async def lossy(data: bytes) -> None:
            nonlocal count
            if 128 <= data[0] < 192 and not 192 <= data[1] <= 208:
                count += 1
                if is_lost(count):
                    return
            await send(data)

        dtls.transport._send = lossy

    async def aclose(self) -> None:
        await self.pc.close()
        if self._listening is not None:
            await asyncio.wait([self._listening], timeout=1)


def loudest_hz(samples: np.ndarray, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    return float(spectrum.argmax() * rate_hz / samples.size)
