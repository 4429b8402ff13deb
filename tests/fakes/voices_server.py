"""A server that speaks the voices of Inworld, xAI, Groq and Mistral."""

from __future__ import annotations

import array
import base64
import io
import json
import wave
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

MS_A_CHARACTER = 60
XAI_RATE_HZ = MISTRAL_RATE_HZ = 24_000
GROQ_RATE_HZ = 48_000


@dataclass
class VoicesServer(VendorServer):
    """`told` is an error said inside a socket instead of sound, once."""

    told: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/tts/v1/voice:streamBidirectional", self._inworld)
        app.router.add_get("/v1/tts", self._xai)
        app.router.add_post("/openai/v1/audio/speech", self._groq)
        app.router.add_post("/v1/audio/speech", self._mistral)

    def error_body(self, fault: Fault) -> dict[str, Any]:
        error = {"message": "Scripted failure.", "code": fault.code or "error"}
        return {"error": error, "message": "Scripted failure.", "code": fault.status}

    async def _opened(
        self, request: web.Request
    ) -> tuple[web.WebSocketResponse | web.Response, Fault | None]:
        key = request.headers.get("Authorization", "")
        self.requests.append({**request.query, "key": key})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused, fault
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket, fault

    async def _inworld(self, request: web.Request) -> web.StreamResponse:
        socket, fault = await self._opened(request)
        if isinstance(socket, web.Response):
            return socket
        created: dict[str, Any] = {}
        text = ""
        async for message in socket:
            packet = json.loads(message.data)
            self.said.append(packet)
            context = {"contextId": packet["contextId"], "status": {"code": 0}}
            if "create" in packet:
                created = packet["create"]
                if self.told:
                    told, self.told = self.told, {}
                    await socket.send_json({"result": {**context, "status": told}})
                    continue
                await socket.send_json({"result": {**context, "contextCreated": {}}})
            elif "send_text" in packet:
                text += packet["send_text"]["text"]
            elif text.strip():  # flushed or closed: say what is there
                rate_hz = created["audioConfig"]["sampleRateHertz"]
                sound = {"audioContent": _base64(_speech(text, rate_hz))}
                text = ""
                await socket.send_json({"result": {**context, "audioChunk": sound}})
                if fault and fault.kind == Kind.TRUNCATE:
                    break_off(request)
                    return socket
            if "flush_context" in packet:
                await socket.send_json({"result": {**context, "flushCompleted": {}}})
            if "close_context" in packet or "cancel_context" in packet:
                await socket.send_json({"result": {**context, "contextClosed": {}}})
        return socket

    async def _xai(self, request: web.Request) -> web.StreamResponse:
        socket, fault = await self._opened(request)
        if isinstance(socket, web.Response):
            return socket
        text = ""
        async for message in socket:
            packet = json.loads(message.data)
            self.said.append(packet)
            if packet["type"] == "text.delta":
                text += packet["delta"]
                continue
            if self.told:
                told, self.told = self.told, {}
                await socket.send_json({"type": "error", **told})
                continue
            sound, text = _speech(text, XAI_RATE_HZ), ""
            await socket.send_json({"type": "audio.delta", "delta": _base64(sound)})
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            await socket.send_json({"type": "audio.done"})
        return socket

    async def _asked(
        self, request: web.Request
    ) -> tuple[dict[str, Any], web.Response | None]:
        body: dict[str, Any] = await request.json()
        key = request.headers.get("Authorization", "")
        self.requests.append(body | {"key": key})
        return body, await self.refuse(self.next_fault())

    async def _groq(self, request: web.Request) -> web.StreamResponse:
        body, refused = await self._asked(request)
        if refused:
            return refused
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(GROQ_RATE_HZ)
            sound.writeframes(_speech(body["input"], GROQ_RATE_HZ))
        return web.Response(body=file.getvalue(), content_type="audio/wav")

    async def _mistral(self, request: web.Request) -> web.StreamResponse:
        body, refused = await self._asked(request)
        if refused:
            return refused
        assert body["response_format"] == "pcm"  # theirs is of 32-bit floats
        pcm = array.array("h", _speech(body["input"], MISTRAL_RATE_HZ))
        floats = array.array("f", (sample / 32_768 for sample in pcm)).tobytes()
        events = [
            {"type": "speech.audio.delta", "audio_data": _base64(floats)},
            {
                "type": "speech.audio.done",
                "usage": {
                    "prompt_tokens": 3,
                    "completion_tokens": 9,
                    "total_tokens": 12,
                },
            },
        ]
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for event in events:
            line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await stream.write(line.encode())
        await stream.write_eof()
        return stream


def _base64(sound: bytes) -> str:
    return base64.b64encode(sound).decode()


def _speech(text: str, rate_hz: int) -> bytes:
    return tone(len(text.strip()) * MS_A_CHARACTER, rate_hz)
