"""A server that speaks xAI's realtime protocol: OpenAI's, with its own additions.

It hears sound and silence, not words: each utterance of the caller is the next of
`transcripts`, and is answered with the next of `answers`, as a tone.
"""

from __future__ import annotations

import base64
import itertools
import json
from array import array
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

RATE_HZ = 24_000
LOUD = 200


@dataclass
class XaiRealtimeServer(VendorServer):
    transcripts: list[str] = field(default_factory=lambda: ["What time is it?"])
    answers: list[str] = field(default_factory=lambda: ["It is noon."])
    sessions: list[dict[str, Any]] = field(default_factory=list)  # as last updated
    said: list[str] = field(default_factory=list)  # by force_message
    items: list[dict[str, Any]] = field(default_factory=list)
    word_ms: int = 150

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/realtime", self._talk)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        return {"code": fault.code or "error", "error": "Scripted failure."}

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.requests.append({**request.query, "authorization": key})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        talk = _Talk(self, socket)
        await talk.send("session.created", session={"model": request.query["model"]})
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            await talk.take(json.loads(message.data))
        return socket


class _Talk:
    def __init__(
        self, server: XaiRealtimeServer, socket: web.WebSocketResponse
    ) -> None:
        self._server, self._socket = server, socket
        self._ids = itertools.count(1)
        self._session: dict[str, Any] = {}
        server.sessions.append(self._session)
        self._heard_ms = self._silent_ms = 0
        self._item = ""

    async def send(self, kind: str, **values: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._ids)}", **values}
        await self._socket.send_json(event)

    async def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "session.update":
            self._session.update(event["session"])
            await self.send("session.updated", session=event["session"])
        elif kind == "input_audio_buffer.append":
            await self._hear(base64.b64decode(event["audio"]))
        elif kind == "conversation.item.create":
            await self._take_item(event["item"])
        elif kind == "response.create":
            response = event.get("response") or {}
            text = response.get("instructions", "").rpartition(": ")[2]
            await self._respond(text or self._next_answer(), response.get("metadata"))

    async def _take_item(self, item: dict[str, Any]) -> None:
        self._server.items.append(item)
        if item["type"] == "force_message":
            text = item["content"][0]["text"]
            self._server.said.append(text)
            await self._respond(text, None)
        else:
            await self.send("conversation.item.added", item=item, previous_item_id=None)

    async def _hear(self, pcm: bytes) -> None:
        samples = array("h", pcm)[::16]
        ms = len(pcm) * 1000 // (2 * RATE_HZ)
        if samples and max(max(samples), -min(samples)) > LOUD:
            self._silent_ms = 0
            if not self._item:
                self._item = f"item_{next(self._ids)}"
                await self.send(
                    "input_audio_buffer.speech_started",
                    item_id=self._item,
                    audio_start_ms=self._heard_ms,
                )
        elif self._item:
            self._silent_ms += ms
            wanted = self._session.get("turn_detection") or {}
            if self._silent_ms >= wanted.get("silence_duration_ms", 200):
                await self._end_turn()
        self._heard_ms += ms

    async def _end_turn(self) -> None:
        item, self._item = self._item, ""
        await self.send(
            "input_audio_buffer.speech_stopped",
            item_id=item,
            audio_end_ms=self._heard_ms,
        )
        words = self._server.transcripts.pop(0) if self._server.transcripts else ""
        content = [{"type": "input_audio", "transcript": None}]
        await self.send(
            "conversation.item.added",
            previous_item_id=None,
            item={
                "id": item,
                "type": "message",
                "role": "user",
                "status": "completed",
                "content": content,
            },
        )
        await self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item,
            content_index=0,
            transcript=words,
            usage={"type": "duration", "seconds": 1},
        )
        await self._respond(self._next_answer(), None)

    def _next_answer(self) -> str:
        return self._server.answers.pop(0) if self._server.answers else "Yes."

    async def _respond(self, text: str, metadata: dict[str, str] | None) -> None:
        response, item = f"resp_{next(self._ids)}", f"item_{next(self._ids)}"
        where = {"response_id": response, "item_id": item, "output_index": 0}
        part = {**where, "content_index": 0}
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        shell = {"id": response, "object": "realtime.response", "output": []}
        await self.send(
            "response.created",
            response={**shell, "status": "in_progress", "metadata": metadata},
        )
        await self.send("response.output_item.added", **where, item=message)
        await self.send("conversation.item.added", item=message, previous_item_id=None)
        await self.send("response.content_part.added", **part, part={"type": "audio"})
        for word in text.split(" "):
            await self.send(
                "response.output_audio_transcript.delta", **part, delta=f"{word} "
            )
            sound = base64.b64encode(tone(self._server.word_ms, RATE_HZ)).decode()
            await self.send("response.output_audio.delta", **part, delta=sound)
        await self.send("response.output_audio.done", **part)
        await self.send(
            "response.output_audio_transcript.done", **part, transcript=text
        )
        done = {**message, "status": "completed"}
        await self.send("response.output_item.done", **where, item=done)
        usage = {
            "total_tokens": 30,
            "input_tokens": 10,
            "output_tokens": 20,
            "input_token_details": {"text_tokens": 4, "audio_tokens": 6},
            "output_token_details": {"text_tokens": 5, "audio_tokens": 15},
        }
        await self.send(
            "response.done",
            response={**shell, "status": "completed", "usage": usage, "output": [done]},
        )
