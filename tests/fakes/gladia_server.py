"""A server that speaks Gladia's live transcription: a session over HTTP, then a socket."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off


@dataclass
class GladiaServer(VendorServer):
    transcripts: list[str] = field(default_factory=lambda: ["Hello there."])
    translations: list[str] = field(default_factory=list)
    socket_faults: list[Fault] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v2/live", self._begin)
        app.router.add_get("/v2/live", self._listen)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v2/live"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {
            "timestamp": "2026-11-26T12:00:00.000Z",
            "path": "/v2/live",
            "request_id": "G-1",
            "statusCode": fault.status,
            "message": "Scripted failure.",
        }

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        key = request.headers.get("X-Gladia-Key", "")
        self.requests.append(body | dict(request.query) | {"key": key})
        if refused := await self.refuse(self.next_fault()):
            return refused
        url = f"{self.base_url.replace('http', 'ws', 1)}?token=token-1"
        return web.json_response({"id": "session-1", "url": url}, status=201)

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        assert request.query["token"] == "token-1"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        config = self.requests[-1]
        hearing = Hearing(config["sample_rate"])
        fault = self.socket_faults.pop(0) if self.socket_faults else None
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            packet = json.loads(message.data)
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            if fault:  # the session is over: no credit, or its time is up
                await socket.close(code=fault.status, message=fault.code.encode())
                return socket
            if packet["type"] == "stop_recording":
                await self._final(socket, hearing)
                await socket.send_json({"type": "post_final_transcript", "data": {}})
                break
            pcm = base64.b64decode(packet["data"]["chunk"])
            for heard in hearing.hear(pcm):
                if heard is Heard.INTERIM:
                    word = self.transcripts[0].split(" ")[0]
                    await self._transcript(socket, hearing, word, is_final=False)
                elif heard is Heard.ENDED:
                    await self._final(socket, hearing)
        await socket.close()
        return socket

    async def _final(self, socket: web.WebSocketResponse, hearing: Hearing) -> None:
        if hearing.began_ms is None:
            return
        text = self.transcripts.pop(0)
        utterance = await self._transcript(socket, hearing, text, is_final=True)
        hearing.end()
        if self.translations:
            told = utterance | {"text": self.translations.pop(0), "language": "en"}
            data = {
                "utterance_id": "00_00",
                "utterance": utterance,
                "original_language": utterance["language"],
                "target_language": "en",
                "translated_utterance": told,
            }
            await socket.send_json({"type": "translation", "data": data})

    async def _transcript(
        self,
        socket: web.WebSocketResponse,
        hearing: Hearing,
        text: str,
        *,
        is_final: bool,
    ) -> dict[str, Any]:
        began_s = (hearing.began_ms or 0) / 1000
        utterance = {
            "text": text,
            "language": "nl",
            "start": began_s,
            "end": hearing.heard_ms / 1000,
            "confidence": 0.9,
            "channel": 0,
            "words": [
                {"word": w, "start": began_s, "end": began_s, "confidence": 0.9}
                for w in text.split()
            ],
        }
        data = {"id": "00_00", "is_final": is_final, "utterance": utterance}
        await socket.send_json(
            {"type": "transcript", "session_id": "session-1", "data": data}
        )
        return utterance
