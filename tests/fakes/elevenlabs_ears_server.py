"""A server that speaks ElevenLabs' speech recognition: the realtime websocket, and HTTP."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off


@dataclass
class ElevenLabsEarsServer(VendorServer):
    """Commits when it is told to. `told` is said instead of a transcript, once."""

    transcripts: list[str] = field(default_factory=lambda: ["Hello there."])
    told: str = ""  # a message type, such as "auth_error"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/speech-to-text/realtime", self._listen)
        app.router.add_post("/v1/speech-to-text", self._transcribe)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        status = fault.code or "error"
        return {"detail": {"status": status, "message": "Scripted failure."}}

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        fields: dict[str, Any] = {k: v for k, v in form.items() if isinstance(v, str)}
        sound = form["file"]
        assert isinstance(sound, web.FileField)
        fields["sound"] = sound.file.read()
        self.requests.append(fields | {"key": request.headers["xi-api-key"]})
        if refused := await self.refuse(self.next_fault()):
            return refused
        text = self.transcripts.pop(0)
        words = [
            {"text": word, "start": at * 0.3, "end": at * 0.3 + 0.25, "type": "word"}
            for at, word in enumerate(text.split())
        ]
        return web.json_response({"text": text, "language_code": "en", "words": words})

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        query: dict[str, Any] = dict(request.query)
        query["keyterms"] = request.query.getall("keyterms", [])
        self.requests.append(query | {"key": request.headers["xi-api-key"]})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        rate_hz = int(request.query["audio_format"].removeprefix("pcm_"))
        hearing = Hearing(rate_hz)
        await _tell(socket, "session_started", session_id="session-1")
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            packet = json.loads(message.data)
            assert packet["sample_rate"] == rate_hz
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            if fault and fault.kind == Kind.MALFORMED:
                await socket.send_str('{"message_type": "partial')
                fault = None
            await self._take(socket, hearing, packet)
        return socket

    async def _take(
        self, socket: web.WebSocketResponse, hearing: Hearing, packet: dict[str, Any]
    ) -> None:
        heard = hearing.hear(base64.b64decode(packet["audio_base_64"]))
        if self.told:
            told, self.told = self.told, ""
            await _tell(socket, told, error="Scripted failure.")
            await socket.close(code=1008)
        elif Heard.INTERIM in heard:
            first = self.transcripts[0].split(" ")[0]
            await _tell(socket, "partial_transcript", text=first)
        elif packet["commit"]:
            text = self.transcripts.pop(0) if hearing.end() else ""
            await _tell(socket, "committed_transcript", text=text)


async def _tell(socket: web.WebSocketResponse, kind: str, **values: Any) -> None:
    await socket.send_json({"message_type": kind, **values})
