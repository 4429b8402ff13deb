"""A server that speaks Cartesia's websockets: Sonic's voices, Ink Whisper and Ink 2."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

MS_A_CHARACTER = 60


@dataclass
class CartesiaServer(VendorServer):
    """`told` is an error said inside a socket instead of an answer, once."""

    transcripts: list[str] = field(default_factory=lambda: ["Hello there."])
    told: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/tts/websocket", self._speak)
        app.router.add_get("/stt/websocket", self._listen)
        app.router.add_get("/stt/turns/websocket", self._listen_for_turns)
        app.router.add_post("/tts/bytes", self._bytes)

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {"error_code": fault.code or "error", "title": "Scripted failure."}

    async def _opened(
        self, request: web.Request
    ) -> tuple[web.WebSocketResponse | web.Response, Fault | None]:
        self.requests.append(
            {**request.query, "key": request.headers.get("X-API-Key", "")}
        )
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused, fault
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        return socket, fault

    async def _bytes(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body | {"key": request.headers.get("X-API-Key", "")})
        if refused := await self.refuse(self.next_fault()):
            return refused
        return web.Response(body=_speech(body), content_type="audio/raw")

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        socket, fault = await self._opened(request)
        if isinstance(socket, web.Response):
            return socket
        async for message in socket:
            packet = json.loads(message.data)
            context = {"context_id": packet["context_id"], "status_code": 200}
            self.said.append(packet)
            if self.told:
                error = {"type": "error", "done": True, **context, **self.told}
                self.told = {}
                await socket.send_json(error)
                continue
            if packet["transcript"].strip():
                sound = base64.b64encode(_speech(packet)).decode()
                chunk = {"type": "chunk", "data": sound, "done": False, **context}
                await socket.send_json(chunk)
                if fault and fault.kind == Kind.TRUNCATE:
                    break_off(request)
                    return socket
            if not packet["continue"]:
                await socket.send_json({"type": "done", "done": True, **context})
        return socket

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        """Ink Whisper: sound as bytes, `finalize` and `close` as words."""
        socket, fault = await self._opened(request)
        if isinstance(socket, web.Response):
            return socket
        hearing = Hearing(int(request.query["sample_rate"]))
        async for message in socket:
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            if self.told:
                await socket.send_json({"type": "error", **self.told})
                self.told = {}
                break
            if message.type == WSMsgType.BINARY:
                ended = Heard.ENDED in hearing.hear(message.data)
            else:
                ended = True
            if ended and hearing.end():
                text = self.transcripts.pop(0)
                await _tell(
                    socket,
                    "transcript",
                    is_final=True,
                    text=text,
                    duration=0.5,
                    words=[{"word": w, "start": 0, "end": 0.2} for w in text.split()],
                )
            if message.data == "finalize":
                await _tell(socket, "flush_done")
            if message.data == "close":
                await _tell(socket, "done")
                break
        await socket.close()
        return socket

    async def _listen_for_turns(self, request: web.Request) -> web.StreamResponse:
        """Ink 2 finds the turns itself."""
        socket, fault = await self._opened(request)
        if isinstance(socket, web.Response):
            return socket
        hearing = Hearing(int(request.query["sample_rate"]))
        await _tell(socket, "connected")
        async for message in socket:
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            if self.told:
                await _tell(socket, "error", **self.told)
                self.told = {}
                continue
            if message.type != WSMsgType.BINARY:
                break
            for heard in hearing.hear(message.data):
                text = self.transcripts[0]
                if heard is Heard.BEGAN:
                    await _tell(socket, "turn.start")
                elif heard is Heard.INTERIM:
                    await _tell(socket, "turn.update", transcript=text.split(" ")[0])
                else:
                    hearing.end()
                    await _tell(socket, "turn.end", transcript=self.transcripts.pop(0))
        await socket.close()
        return socket


async def _tell(socket: web.WebSocketResponse, kind: str, **values: Any) -> None:
    await socket.send_json({"type": kind, "request_id": "request-1", **values})


def _speech(packet: dict[str, Any]) -> bytes:
    rate_hz = packet["output_format"]["sample_rate"]
    return tone(len(packet["transcript"].strip()) * MS_A_CHARACTER, rate_hz)
