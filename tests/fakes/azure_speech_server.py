"""A server that speaks Azure's speech recognition, as its native client asks for it.

Messages are headers, an empty line and a body: text messages as they are, binary ones
behind two bytes with the length of the headers. A request is a turn: the service says
`turn.start`, hypotheses and phrases, and after the end of the sound `turn.end`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

RATE_HZ = 16_000
TICKS_A_MS = 10_000
PATH = "/speech/recognition/conversation/cognitiveservices/v1"


@dataclass
class AzureSpeechServer(VendorServer):
    transcripts: list[str] = field(default_factory=lambda: ["Hello there."])
    contexts: list[dict[str, Any]] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(PATH, self._listen)

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {"error": {"code": str(fault.status), "message": "Scripted failure."}}

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Ocp-Apim-Subscription-Key", "")
        self.requests.append({**request.query, "key": key})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        turn = _Turn(self, socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                head, _blank, body = message.data.partition("\r\n\r\n")
                await turn.take(_headers(head), body.encode())
            elif message.type == WSMsgType.BINARY:
                if fault and fault.kind == Kind.TRUNCATE:
                    break_off(request)
                    return socket
                size = int.from_bytes(message.data[:2], "big")
                head = message.data[2 : 2 + size].decode()
                await turn.take(_headers(head), message.data[2 + size :])
        return socket


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _colon, value in lines}


class _Turn:
    def __init__(
        self, server: AzureSpeechServer, socket: web.WebSocketResponse
    ) -> None:
        self._server, self._socket = server, socket
        self._request = ""
        self._hearing = Hearing(RATE_HZ)
        self._text = ""

    async def take(self, headers: dict[str, str], body: bytes) -> None:
        path = headers["path"]
        if path == "speech.context":
            self._server.contexts.append(json.loads(body))
        if path != "audio":
            return
        if not self._request:
            self._request = headers["x-requestid"]
            await self._send("turn.start", {"context": {"serviceTag": "1"}})
        if not body:
            await self._finish()
            return
        for heard in self._hearing.hear(body):
            if heard is Heard.BEGAN:
                self._text = self._server.transcripts.pop(0)
                await self._send("speech.startDetected", {"Offset": self._offset})
            elif heard is Heard.INTERIM:
                word = self._text.split(" ")[0].lower()
                await self._send("speech.hypothesis", self._when() | {"Text": word})
            else:
                await self._phrase()

    async def _phrase(self) -> None:
        when = self._when()
        if self._hearing.end():
            result = {"RecognitionStatus": "Success", "DisplayText": self._text}
            await self._send("speech.phrase", when | result)

    async def _finish(self) -> None:
        await self._phrase()
        await self._send("speech.endDetected", {"Offset": self._offset})
        end = self._when() | {"RecognitionStatus": "EndOfDictation"}
        await self._send("speech.phrase", end)
        await self._send("turn.end", {})
        self._request = ""

    @property
    def _offset(self) -> int:
        return self._hearing.heard_ms * TICKS_A_MS

    def _when(self) -> dict[str, int]:
        began_ms = self._hearing.began_ms or 0
        lasted_ms = self._hearing.heard_ms - began_ms
        return {"Offset": began_ms * TICKS_A_MS, "Duration": lasted_ms * TICKS_A_MS}

    async def _send(self, path: str, body: dict[str, Any]) -> None:
        head = (
            f"X-RequestId:{self._request}\r\n"
            f"Path:{path}\r\n"
            "Content-Type:application/json; charset=utf-8\r\n\r\n"
        )
        await self._socket.send_str(head + json.dumps(body))
