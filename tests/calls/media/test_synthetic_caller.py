"""The synthetic caller talks by turns with a server that speaks our signalling."""

from __future__ import annotations

import asyncio
import json
import wave
from contextlib import asynccontextmanager

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import rtc

from calls.media.caller import Conversation, Ticket, call, utterance_from_wav
from calls.media.caller.ear import Ear
from calls.media.caller.utterance import utterance_from_pcm
from calls.media.frames import FRAME_BYTES
from calls.media.webrtc import WebRTCLink

ANSWER_AFTER_MS = 400


def noise(duration_ms: int, rate_hz: int = 16_000) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.normal(0, 4_000, rate_hz * duration_ms // 1000).astype(np.int16)


def tone_frame(duration_ms: int) -> rtc.AudioFrame:
    samples = 24 * duration_ms
    wave_ = 8_000 * np.sin(2 * np.pi * 300 * np.arange(samples) / 24_000)
    return rtc.AudioFrame(wave_.astype(np.int16).tobytes(), 24_000, 1, samples)


class Assistant:
    """Greets for 600 ms, and answers each utterance a known time after its end."""

    def __init__(self, *, drops_socket: bool = False, refuses: bool = False) -> None:
        self.link = WebRTCLink()
        self.tokens: list[str] = []
        self._drops_socket = drops_socket
        self._refuses = refuses
        self._talking: asyncio.Task[None] | None = None

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.tokens.append(request.query["token"])
        await socket.send_json(
            {"type": "welcome", "call_id": "c1", "resume_token": "again", "state": {}}
        )
        if len(self.tokens) == 2:
            await socket.send_json({"type": "status", "status": "in-progress"})
        async for frame in socket:
            message = json.loads(frame.data)
            if message["type"] == "offer":
                if self._refuses:
                    await socket.send_json(
                        {"type": "error", "code": "full", "message": "No room."}
                    )
                    await socket.send_json(
                        {"type": "ended", "end_reason": "no_capacity"}
                    )
                    continue
                sdp = await self.link.answer(message["sdp"])
                self._talking = asyncio.create_task(self._talk())
                await socket.send_json({"type": "answer", "sdp": sdp})
                if self._drops_socket:
                    await socket.close()
            elif message["type"] == "hangup":
                await socket.send_json(
                    {
                        "type": "ended",
                        "end_reason": "user_hangup",
                        "duration_ms": self.link.offset_ms,
                        "cost_credits": "0.1",
                    }
                )
        return socket

    async def _talk(self) -> None:
        await self.link.wait_connected(5)
        await self._say(600)
        loud_s, loop = None, asyncio.get_running_loop()
        async for frame in self.link.audio_input:
            if np.abs(np.frombuffer(frame.data, np.int16).astype(int)).max() > 1_000:
                loud_s = loop.time()
            elif loud_s is not None and loop.time() - loud_s > ANSWER_AFTER_MS / 1000:
                loud_s = None
                await self._say(500)

    async def _say(self, duration_ms: int) -> None:
        await self.link.audio_output.capture_frame(tone_frame(duration_ms))
        self.link.audio_output.flush()

    async def aclose(self) -> None:
        await self.link.aclose()
        if self._talking is not None:
            await asyncio.wait([self._talking])


@asynccontextmanager
async def serving(assistant: Assistant):
    app = web.Application()
    app.router.add_get("/ws/", assistant.serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        try:
            yield http, Ticket("c1", "once", str(server.make_url("/ws/")))
        finally:
            await assistant.aclose()


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_conversation_is_measured_as_it_was_heard():
    said = [utterance_from_pcm(noise(500)), utterance_from_pcm(noise(300))]
    async with serving(Assistant()) as (http, ticket):
        report = await call(http, ticket, Conversation(said), keeps_audio=True)
    assert report.error is None
    assert report.end_reason == "user_hangup"
    assert [turn.spoken_ms for turn in report.turns] == [500, 300]
    for turn in report.turns:
        assert turn.response_ms == pytest.approx(ANSWER_AFTER_MS + 60, abs=80)
    assert report.setup_ms is not None
    assert 0 < report.setup_ms < 3_000
    assert report.audio.speech_ms == pytest.approx(600 + 2 * 500, abs=160)
    assert report.audio.glitch_percent < 2
    assert len(report.recording) / 32 == pytest.approx(
        report.audio.received_ms, abs=200
    )


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_dropped_socket_is_resumed_while_the_audio_goes_on():
    assistant = Assistant(drops_socket=True)
    async with serving(assistant) as (http, ticket):
        said = [utterance_from_pcm(noise(300))]
        report = await call(http, ticket, Conversation(said))
    assert assistant.tokens == ["once", "again"]
    assert report.end_reason == "user_hangup"
    assert report.turns[0].response_ms is not None


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_refused_call_is_a_report_with_its_reason():
    async with serving(Assistant(refuses=True)) as (http, ticket):
        report = await call(http, ticket, Conversation())
    assert report.end_reason == "no_capacity"
    assert report.error == "No room."
    assert report.turns == []


@pytest.mark.asyncio
async def test_a_server_that_is_not_there_is_an_error_in_the_report():
    async with aiohttp.ClientSession() as http:
        ticket = Ticket("c1", "t", "ws://127.0.0.1:9/ws/")
        report = await call(http, ticket, Conversation())
    assert report.error
    assert not report.is_ended


def test_an_utterance_knows_its_last_sound(tmp_path):
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(noise(500, 48_000).tobytes() + bytes(48_000 * 2))
    utterance = utterance_from_wav(path)
    assert len(utterance.packets) == 75
    assert utterance.speech_ms == pytest.approx(500, abs=20)


def test_a_file_without_audio_is_refused(tmp_path):
    path = tmp_path / "x.wav"
    path.write_text("hello")
    with pytest.raises(ValueError, match="cannot be read"):
        utterance_from_wav(path)


def test_an_ear_tells_speech_from_clicks():
    now_s = 0.0
    ear = Ear(now_s=lambda: now_s)
    loud, quiet = noise(20).tobytes(), bytes(FRAME_BYTES)
    plan = [quiet] * 20 + [loud] + [quiet] * 20 + [loud] * 30 + [quiet] * 5
    plan += [loud] * 15 + [quiet] * 50 + [loud] * 10
    for frame in plan:
        now_s += 0.02
        ear.push(frame)
    assert ear.onsets_s == pytest.approx([42 * 0.02, 142 * 0.02])
    assert ear.speech_ms == (30 + 5 + 15 + 10) * 20
    assert ear.onset_after(1.0) == pytest.approx(142 * 0.02)
    assert ear.is_speaking
