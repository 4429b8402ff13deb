"""A server that speaks the HTTP of Anthropic, Azure, Groq and Mistral.

OpenAI's own server of these tests stands in for their chat where they share its API.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, VendorServer

RATE_HZ = 16_000


@dataclass
class HttpVendorsServer(VendorServer):
    """Answers `text`, hears `transcript`, and speaks half a second of a tone."""

    text: str = "It is noon."
    transcript: str = "hello there"

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/audio/transcriptions", self._transcribe)
        app.router.add_post("/cognitiveservices/v1", self._azure_speech)

    def error_body(self, fault: Fault) -> dict[str, Any]:
        error = {"type": fault.code or "error", "message": "Scripted failure."}
        return {"type": "error", "error": error, "message": "Scripted failure."}

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body | {"key": request.headers.get("x-api-key", "")})
        if refused := await self.refuse(self.next_fault()):
            return refused
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        usage = {"input_tokens": 5, "output_tokens": 1}
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        text = {"type": "text", "text": ""}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": text},
            *(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": f"{word} "},
                }
                for word in self.text.split()
            ),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 4},
            },
            {"type": "message_stop"},
        ]
        for event in events:
            line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            await response.write(line.encode())
        await response.write_eof()
        return response

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        fields = {k: v for k, v in form.items() if isinstance(v, str)}
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.requests.append(fields | {"authorization": key})
        if refused := await self.refuse(self.next_fault()):
            return refused
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return web.json_response(
            {
                "model": fields.get("model", ""),
                "text": self.transcript,
                "language": fields.get("language", "en"),
                "segments": [],
                "usage": usage,
                "duration": 1.0,
            }
        )

    async def _azure_speech(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Ocp-Apim-Subscription-Key", "")
        self.requests.append({"ssml": await request.text(), "key": key})
        if refused := await self.refuse(self.next_fault()):
            return refused
        return web.Response(body=tone(500, RATE_HZ), content_type="audio/pcm")
