"""Chromium with a fake microphone talks to a link: its SDP, candidates and packets."""

from __future__ import annotations

import asyncio
import json
import shutil
import wave

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import rtc
from playwright.async_api import async_playwright

from calls.media.link import LinkEnd
from calls.media.webrtc import WebRTCLink
from tests.calls.media.browser import loudest_hz

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

PAGE = """<!doctype html><title>call</title><script>
async function join() {
  const socket = new WebSocket(`ws://${location.host}/ws/`);
  await new Promise(done => { socket.onopen = done; });
  const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
  const pc = window.pc = new RTCPeerConnection({iceServers: []});
  pc.addTrack(microphone.getAudioTracks()[0], microphone);
  pc.ontrack = event => {
    const context = new AudioContext();
    const element = new Audio();
    element.srcObject = new MediaStream([event.track]);
    element.play();
    const analyser = window.analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(element.srcObject).connect(analyser);
    window.rate = context.sampleRate;
  };
  pc.onicecandidate = event => socket.send(
    JSON.stringify({type: "candidate", candidate: event.candidate}));
  socket.onmessage = event => pc.setRemoteDescription(
    {type: "answer", sdp: JSON.parse(event.data).sdp});
  await pc.setLocalDescription(await pc.createOffer());
  socket.send(JSON.stringify({type: "offer", sdp: pc.localDescription.sdp}));
}
function loudestHz() {
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const at = bins.indexOf(Math.max(...bins));
  return [at * rate / analyser.fftSize, bins[at]];
}
async function inbound() {
  const stats = [...(await pc.getStats()).values()];
  return stats.find(entry => entry.type === "inbound-rtp");
}
</script>"""


async def serve_page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html")


def microphone_file(path) -> None:
    tone = 9_000 * np.sin(2 * np.pi * 440 * np.arange(48_000 * 5) / 48_000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(tone.astype(np.int16).tobytes())


async def test_chromium_and_a_link_hear_each_other(tmp_path):
    microphone_file(tmp_path / "microphone.wav")
    link = WebRTCLink(rejoin_s=0.3)

    async def signalling(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            message = json.loads(frame.data)
            if message["type"] == "offer":
                sdp = await link.answer(message["sdp"])
                await socket.send_json({"type": "answer", "sdp": sdp})
            else:
                await link.add_candidate(message["candidate"])
        return socket

    app = web.Application()
    app.router.add_get("/", serve_page)
    app.router.add_get("/ws/", signalling)
    async with TestServer(app) as server, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={tmp_path / 'microphone.wav'}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        try:
            page = await chromium.new_page()
            await page.goto(str(server.make_url("/")))
            await page.evaluate("join()")
            await link.wait_connected(15)
            tone = 9_000 * np.sin(2 * np.pi * 700 * np.arange(24_000 * 4) / 24_000)
            await link.audio_output.capture_frame(
                rtc.AudioFrame(tone.astype(np.int16).tobytes(), 24_000, 1, tone.size)
            )
            link.audio_output.flush()
            heard = []
            for _ in range(100):
                frame = await anext(link.audio_input)
                heard.append(np.frombuffer(frame.data, np.int16))
            assert loudest_hz(np.concatenate(heard[50:]), 16_000) == pytest.approx(
                440, abs=6
            )
            hz, level_db = await page.evaluate("loudestHz()")
            assert hz == pytest.approx(700, abs=12)
            assert level_db > -50
            inbound = await page.evaluate("inbound()")
            assert inbound["packetsReceived"] > 80
            assert inbound["packetsLost"] == 0
            await page.evaluate("pc.close()")
            end = await asyncio.wait_for(link.wait_closed(), 5)
            assert end is LinkEnd.REMOTE_HANGUP
        finally:
            await chromium.close()
            await link.aclose()
