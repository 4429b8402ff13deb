"""A server that speaks Deepgram's live transcription over a websocket."""

from __future__ import annotations

import asyncio
import json
from array import array
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

LOUD = 200  # a sample further from zero than this is sound
SILENCE_ENDS_MS = 200


@dataclass
class DeepgramServer(VendorServer):
    """Hears sound and silence, not words: each utterance is the next of `transcripts`.

    An utterance ends with 200 ms of silence, or `Finalize`, and its final comes
    `final_s` later; an interim comes with its first 100 ms of sound. The transcripts
    begin again when all were used.
    """

    transcripts: list[str] = field(default_factory=lambda: ["hello there"])
    final_s: float = 0.0
    keep_alives: int = 0
    was_closed: asyncio.Event = field(default_factory=asyncio.Event)
    _next: int = 0

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/listen", self._listen)
        app.router.add_post("/v1/listen", self._read)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1/listen"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {"err_code": fault.code or "ERROR", "err_msg": "Scripted failure."}

    async def _read(self, request: web.Request) -> web.StreamResponse:
        """A whole recording at once."""
        key = request.headers.get("Authorization", "").removeprefix("Token ")
        sound = await request.read()
        self.requests.append({**request.query, "authorization": key, "sound": sound})
        if refused := await self.refuse(self.next_fault()):
            return refused
        alternative = {
            "transcript": self.next_transcript(),
            "confidence": 0.99,
            "words": [],
        }
        channel = {"alternatives": [alternative], "detected_language": "en"}
        return web.json_response(
            {"metadata": {"request_id": "r"}, "results": {"channels": [channel]}}
        )

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Token ")
        query: dict[str, Any] = dict(request.query)
        query["keyterms"] = request.query.getall("keyterm", [])
        self.requests.append(query | {"authorization": key})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        socket = web.WebSocketResponse()
        socket.headers["dg-request-id"] = "request-1"
        await socket.prepare(request)
        ear = _Ear(self, socket, int(request.query["sample_rate"]))
        async for message in socket:
            if message.type == WSMsgType.BINARY:
                if fault and fault.kind == Kind.TRUNCATE:
                    break_off(request)
                    return socket
                if fault and fault.kind == Kind.MALFORMED:
                    await socket.send_str('{"type": "Results", "channel"')
                    fault = None
                await ear.hear(message.data)
            elif message.type == WSMsgType.TEXT:
                kind = json.loads(message.data)["type"]
                if kind == "KeepAlive":
                    self.keep_alives += 1
                elif kind == "Finalize":
                    await ear.end(from_finalize=True)
                elif kind == "CloseStream":
                    self.was_closed.set()
                    await ear.end()
                    await socket.send_json({"type": "Metadata", **_METADATA})
                    break
        await socket.close()
        return socket

    def next_transcript(self) -> str:
        text = self.transcripts[self._next % len(self.transcripts)]
        self._next += 1
        return text


_METADATA = {"request_id": "request-1", "model_info": {"name": "fake"}}


class _Ear:
    def __init__(
        self, server: DeepgramServer, socket: web.WebSocketResponse, rate_hz: int
    ) -> None:
        self._server = server
        self._socket = socket
        self._bytes_per_ms = rate_hz * 2 // 1000
        self._heard_ms = 0
        self._began_ms: int | None = None
        self._silent_ms = 0
        self._text = ""
        self._has_interim = False

    async def hear(self, pcm: bytes) -> None:
        ms = len(pcm) // self._bytes_per_ms
        # Every 16th sample tells sound from silence well enough.
        samples = array("h", pcm[: len(pcm) // 2 * 2])[::16]
        is_loud = bool(samples) and max(max(samples), -min(samples)) > LOUD
        if is_loud:
            if self._began_ms is None:
                self._began_ms = self._heard_ms
                self._text = self._server.next_transcript()
                await self._socket.send_json(
                    {"type": "SpeechStarted", "timestamp": self._heard_ms / 1000}
                )
            self._silent_ms = 0
        else:
            self._silent_ms += ms
        self._heard_ms += ms
        if self._began_ms is None:
            return
        if not self._has_interim and self._heard_ms - self._began_ms >= 100:
            self._has_interim = True
            await self._send(self._text.split(" ")[0], is_final=False)
        if self._silent_ms >= SILENCE_ENDS_MS:
            await self.end()

    async def end(self, *, from_finalize: bool = False) -> None:
        text = self._text if self._began_ms is not None else ""
        if not text and not from_finalize:
            return
        await asyncio.sleep(self._server.final_s)
        await self._send(text, is_final=True, from_finalize=from_finalize)
        self._began_ms, self._has_interim, self._text = None, False, ""

    async def _send(
        self, text: str, *, is_final: bool, from_finalize: bool = False
    ) -> None:
        start = (self._began_ms or self._heard_ms) / 1000
        words = [
            {
                "word": word,
                "punctuated_word": word,
                "start": start + number * 0.2,
                "end": start + number * 0.2 + 0.2,
                "confidence": 0.99,
            }
            for number, word in enumerate(text.split())
        ]
        alternative = {"transcript": text, "confidence": 0.99, "words": words}
        await self._socket.send_json(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": (self._heard_ms / 1000) - start,
                "start": start,
                "is_final": is_final,
                "speech_final": is_final,
                "from_finalize": from_finalize,
                "channel": {"alternatives": [alternative]},
                "metadata": _METADATA,
            }
        )
