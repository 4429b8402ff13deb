"""A server that speaks Gemini: its chat as Vertex AI streams it, and its Live socket.

The Live model hears sound and silence, not words: each utterance of the caller is the
next of `transcripts`, and is answered with the next of `answers`, as a tone.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aiohttp import WSMsgType, web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.fakes.hearing import Heard, Hearing
from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

HEARS_HZ, SPEAKS_HZ = 16_000, 24_000
WORD_MS = 150
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
TOKEN = "token-1"
AUDIO_TOKENS_IN, TEXT_TOKENS_IN, AUDIO_TOKENS_OUT = 60, 20, 90


@dataclass
class GeminiServer(VendorServer):
    """A fault with a `code` such as "1008 why" closes a Live socket like that."""

    text: str = "It is noon."
    transcripts: list[str] = field(default_factory=lambda: ["What time is it?"])
    answers: list[str] = field(default_factory=lambda: ["It is noon."])
    call: dict[str, Any] = field(default_factory=dict)  # a function it wants called
    setups: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # text the client gave it
    tool_results: list[Any] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/{version}/{model:.*}:streamGenerateContent", self._chat)
        app.router.add_get("/ws/{service:.*}", self._live)
        app.router.add_post("/token", self._token)

    @property
    def account(self) -> str:
        """A service account as Google gives it out, whose tokens come from here."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "acme-voice",
                "private_key_id": "1",
                "private_key": _private_key(),
                "client_email": "voice@acme-voice.iam.gserviceaccount.com",
                "token_uri": f"{self.url}/token",
            }
        )

    def error_body(self, fault: Fault) -> dict[str, Any]:
        status = STATUS.get(fault.status, "UNKNOWN")
        error = {"code": fault.status, "message": "Scripted failure.", "status": status}
        return {"error": error}

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert str(form["grant_type"]).endswith("jwt-bearer")
        return web.json_response({"access_token": TOKEN, "expires_in": 3600})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        key = request.headers.get("Authorization", "")
        where = {"model": request.match_info["model"], "key": key}
        self.requests.append(body | where)
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        words = self.text.split(" ")
        for number, word in enumerate(words):
            is_last = number == len(words) - 1
            part = {"text": word if is_last else f"{word} "}
            candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}}
            chunk: dict[str, Any] = {"candidates": [candidate]}
            if is_last:
                candidate["finishReason"] = "STOP"
                chunk["usageMetadata"] = {
                    "promptTokenCount": 10,
                    "candidatesTokenCount": 5,
                    "totalTokenCount": 15,
                }
            await stream.write(f"data: {json.dumps(chunk)}\n\n".encode())
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return stream
        await stream.write_eof()
        return stream

    async def _live(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(
            {
                "service": request.match_info["service"],
                "key": request.headers.get("x-goog-api-key")
                or request.headers.get("Authorization", ""),
            }
        )
        fault = self.next_fault()
        code, _space, why = fault.code.partition(" ") if fault else ("", "", "")
        is_close = code.isdigit()
        if not is_close and (refused := await self.refuse(fault)):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        setup = json.loads((await socket.receive()).data)["setup"]
        self.setups.append(setup)
        if is_close:
            await socket.close(code=int(code), message=why.encode())
            return socket
        await socket.send_bytes(json.dumps({"setupComplete": {}}).encode())
        talk = _Talk(self, socket)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue
            if fault and fault.kind == Kind.TRUNCATE:
                break_off(request)
                return socket
            await talk.take(json.loads(message.data))
        return socket


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(65_537, 2_048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class _Talk:
    def __init__(self, server: GeminiServer, socket: web.WebSocketResponse) -> None:
        self._server, self._socket = server, socket
        self._hearing = Hearing(HEARS_HZ)

    async def take(self, event: dict[str, Any]) -> None:
        spoken = event.get("realtime_input", {}).get("audio")
        typed = event.get("realtime_input", {}).get("text")
        content = event.get("client_content")
        if spoken:
            heard = self._hearing.hear(base64.b64decode(spoken["data"]))
            if Heard.ENDED in heard and self._hearing.end():
                await self._hear()
        elif typed:
            self._server.told.append(typed)
            await self._respond(typed.rpartition(": ")[2])
        elif content:
            texts = [
                part["text"]
                for turn in content.get("turns") or []
                for part in turn["parts"]
                if part.get("text", ".") != "."  # a mark that the plugin adds
            ]
            self._server.told += texts
            if content.get("turnComplete"):
                words = " ".join(texts).rpartition(": ")[2]
                await self._respond(words.partition("\n")[0] or "Yes.")
        elif "tool_response" in event:
            self._server.tool_results.append(event["tool_response"])
            await self._respond(self._next_answer())

    async def _hear(self) -> None:
        words = self._server.transcripts.pop(0) if self._server.transcripts else ""
        await self._say(inputTranscription={"text": words})
        if self._server.call:
            call, self._server.call = self._server.call, {}
            await self._send({"toolCall": {"functionCalls": [call]}})
            return
        await self._respond(self._next_answer())

    def _next_answer(self) -> str:
        return self._server.answers.pop(0) if self._server.answers else "Yes."

    async def _respond(self, text: str) -> None:
        for word in text.split(" "):
            sound = base64.b64encode(tone(WORD_MS, SPEAKS_HZ)).decode()
            data = {"mimeType": f"audio/pcm;rate={SPEAKS_HZ}", "data": sound}
            await self._say(modelTurn={"parts": [{"inlineData": data}]})
            await self._say(outputTranscription={"text": f"{word} "})
        await self._say(generationComplete=True)
        is_vertex = "aiplatform" in self._server.requests[-1]["service"]
        said = "candidates" if is_vertex else "response"
        usage = {
            "promptTokenCount": AUDIO_TOKENS_IN + TEXT_TOKENS_IN,
            f"{said}TokenCount": AUDIO_TOKENS_OUT,
            "totalTokenCount": AUDIO_TOKENS_IN + TEXT_TOKENS_IN + AUDIO_TOKENS_OUT,
            "promptTokensDetails": [
                {"modality": "AUDIO", "tokenCount": AUDIO_TOKENS_IN},
                {"modality": "TEXT", "tokenCount": TEXT_TOKENS_IN},
            ],
            f"{said}TokensDetails": [
                {"modality": "AUDIO", "tokenCount": AUDIO_TOKENS_OUT}
            ],
        }
        await self._send(
            {"serverContent": {"turnComplete": True}, "usageMetadata": usage}
        )

    async def _say(self, **content: Any) -> None:
        await self._send({"serverContent": content})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_bytes(json.dumps(message).encode())
