"""A server that speaks OpenAI's GPT-Live: one socket, sound both ways all the time.

It hears sound and silence, not words: each utterance of the caller is the next of
`transcripts`, and is answered with the next of `answers`, as a tone. Between its words it
streams silence, as the real one does, and tells how long the session has lasted.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

RATE_HZ = 24_000
FRAME_MS = 100
WORD_MS = 200
BACKEND_USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 20},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 150,
}


@dataclass
class GptLiveServer(VendorServer):
    """`told` is an error said on every socket as it opens, before it closes."""

    transcripts: list[str] = field(default_factory=lambda: ["What time is it?"])
    answers: list[str] = field(default_factory=lambda: ["It is noon."])
    call: dict[str, Any] = field(default_factory=dict)  # a function the backend calls
    told: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    appended: list[tuple[str, str]] = field(default_factory=list)  # kind and content
    tool_results: list[dict[str, Any]] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/live/sessions", self._talk)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {"error": {"message": "Scripted failure.", "code": fault.code}}

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.requests.append({"authorization": key})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        talk = _Talk(self, socket)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            event = json.loads(message.data)
            if fault and fault.kind == Kind.TRUNCATE and "audio" in event:
                break_off(request)
                break
            await talk.take(event)
            if event["type"] == "session.close":
                break
        await talk.stop()
        return socket


class _Talk:
    def __init__(self, server: GptLiveServer, socket: web.WebSocketResponse) -> None:
        self._server, self._socket = server, socket
        self._ids = itertools.count(1)
        self._hearing = Hearing(RATE_HZ)
        self._words: list[str] = []
        self._lasted_ms = 0
        self._streaming: asyncio.Task[None] | None = None

    async def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "session.start":
            await self._start(event["session"])
        elif kind == "session.input_audio.append":
            heard = self._hearing.hear(base64.b64decode(event["audio"]))
            if Heard.ENDED in heard and self._hearing.end():
                await self._hear()
        elif kind.endswith(".append"):
            self._server.appended.append((kind.split(".")[1], event["content"]))
            if kind == "session.commentary.append":
                said = event["content"].rpartition(": ")[2]
                self._words += said.split(" ")
        elif kind == "response.item.create":
            self._server.tool_results.append(event["item"])
        elif kind == "response.create":
            await self._backend_done()
            self._words += self._next_answer().split(" ")
        elif kind == "session.close":
            usage = {"seconds": self._lasted_ms / 1000}
            await self.send("session.closed", reason="close_requested", usage=usage)

    async def _start(self, session: dict[str, Any]) -> None:
        self._server.sessions.append(session)
        if self._server.told:
            await self.send("error", error=self._server.told)
            await self._socket.close()
            return
        await self.send("session.started", session={"id": "live-1"})
        self._streaming = asyncio.create_task(self._stream())

    async def _hear(self) -> None:
        words = self._server.transcripts.pop(0) if self._server.transcripts else ""
        at = {"start_ms": self._lasted_ms, "end_ms": self._lasted_ms}
        await self.send("session.input_transcript.delta", delta=words, **at)
        if self._server.call:
            call, self._server.call = self._server.call, {}
            created = {"type": "response.created", "response": {"id": "resp-1"}}
            await self._backend(created)
            item = {"type": "function_call", "status": "completed", **call}
            await self._backend({"type": "response.output_item.done", "item": item})
            await self._backend_done()
            return
        self._words += self._next_answer().split(" ")

    def _next_answer(self) -> str:
        return self._server.answers.pop(0) if self._server.answers else "Yes."

    async def _backend_done(self) -> None:
        response = {"id": "resp-1", "model": "gpt-5.6-luna", "usage": BACKEND_USAGE}
        await self._backend({"type": "response.completed", "response": response})

    async def _backend(self, event: dict[str, Any]) -> None:
        await self.send("response.event", delegation_id="deleg-1", event=event)

    async def _stream(self) -> None:
        """Sound in real time: a word, or silence."""
        while not self._socket.closed:
            pcm = bytes(RATE_HZ * 2 * FRAME_MS // 1000)
            lasts_ms = FRAME_MS
            if self._words:
                word, pcm, lasts_ms = (
                    self._words.pop(0),
                    tone(WORD_MS, RATE_HZ),
                    WORD_MS,
                )
                at = {"start_ms": self._lasted_ms, "end_ms": self._lasted_ms + WORD_MS}
                delta = f"{word} "
                await self.send("session.output_transcript.delta", delta=delta, **at)
            sound = base64.b64encode(pcm).decode()
            await self.send("session.output_audio.delta", delta=sound)
            self._lasted_ms += lasts_ms
            if self._lasted_ms % 1_000 == 0:
                usage = {"seconds": self._lasted_ms / 1000}
                await self.send("session.usage.updated", usage=usage)
            await asyncio.sleep(lasts_ms / 1000)

    async def send(self, kind: str, **values: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._ids)}", **values}
        if not self._socket.closed:
            await self._socket.send_json(event)

    async def stop(self) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.wait([self._streaming])
