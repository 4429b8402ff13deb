"""A server that speaks OpenAI's chat completions (streamed) and speech."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off

SPEECH_RATE_HZ = 24_000


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What the model answers: words, tool calls, or both."""

    text: str = ""
    tools: tuple[ToolCall, ...] = ()


@dataclass
class OpenAIServer(VendorServer):
    """Replies in order, then `answer(messages)` for ever.

    `first_token_s` passes before the first word and `token_s` before each other one;
    `first_byte_s` before the first sound.
    """

    replies: list[Reply] = field(default_factory=list)
    answer: Callable[[list[dict[str, Any]]], Reply] = lambda messages: Reply("Yes.")
    first_token_s: float = 0.0
    token_s: float = 0.0
    first_byte_s: float = 0.0
    speech_ms: int = 400

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/audio/speech", self._speech)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        message = {"message": "Scripted failure.", "type": "error", "param": None}
        return {"error": message | {"code": fault.code or None}}

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body | {"authorization": _key(request)})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        reply = self.replies.pop(0) if self.replies else self.answer(body["messages"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(self.first_token_s)
        words = reply.text.split(" ") if reply.text else []
        await _send(response, _chunk(body, {"role": "assistant", "content": ""}))
        for number, word in enumerate(words):
            if number:
                await asyncio.sleep(self.token_s)
            if fault and number == len(words) // 2:
                if fault.kind == Kind.TRUNCATE:
                    break_off(request)
                    return response
                if fault.kind == Kind.MALFORMED:
                    await response.write(b'data: {"id": "x", "choices": [{\n\n')
            delta = {"content": word if not number else f" {word}"}
            await _send(response, _chunk(body, delta))
        await _send_tools(response, body, reply.tools)
        finish = "tool_calls" if reply.tools else "stop"
        await _send(response, _chunk(body, {}, finish))
        await _send(response, _usage(body, words))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body | {"authorization": _key(request)})
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        await asyncio.sleep(self.first_byte_s)
        pcm = tone(self.speech_ms, SPEECH_RATE_HZ)
        await response.write(pcm[: len(pcm) // 2])
        if fault:
            break_off(request)
            return response
        await response.write(pcm[len(pcm) // 2 :])
        await response.write_eof()
        return response


def tone(ms: int, rate_hz: int) -> bytes:
    """A square wave of 200 Hz, s16 mono: something to hear, made at no cost."""
    half = rate_hz // 400
    period = b"\x00\x10" * half + b"\x00\xf0" * half
    samples = rate_hz * ms // 1000
    return (period * (samples // (2 * half) + 1))[: samples * 2]


def _key(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _chunk(
    body: dict[str, Any], delta: dict[str, Any], finish: str | None = None
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": body["model"],
        "choices": [choice],
    }


def _usage(body: dict[str, Any], words: list[str]) -> dict[str, Any]:
    prompt = sum(len(str(m.get("content")).split()) for m in body["messages"])
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": len(words),
        "total_tokens": prompt + len(words),
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    return _chunk(body, {}) | {"choices": [], "usage": usage}


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")


async def _send_tools(
    response: web.StreamResponse, body: dict[str, Any], tools: tuple[ToolCall, ...]
) -> None:
    """As OpenAI does: the name first, then the arguments in pieces."""
    for index, tool in enumerate(tools):
        arguments = json.dumps(tool.arguments)
        head = {"name": tool.name, "arguments": ""}
        call = {"index": index, "id": f"call_{index}", "type": "function"}
        delta = {"tool_calls": [call | {"function": head}]}
        await _send(response, _chunk(body, delta))
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            part = {"index": index, "function": {"arguments": piece}}
            await _send(response, _chunk(body, {"tool_calls": [part]}))
