"""A server that speaks ElevenLabs' speech: the multi-context websocket, and HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.openai_server import tone
from tests.fakes.vendor_wire import Fault, Kind, VendorServer, break_off


@dataclass
class ElevenLabsServer(VendorServer):
    """Speaks a tone, 60 ms a character, `first_byte_s` after a text is flushed."""

    first_byte_s: float = 0.0
    ms_per_character: int = 60
    closed_contexts: int = 0

    def add_routes(self, app: web.Application) -> None:
        base = "/v1/text-to-speech/{voice}"
        app.router.add_get(f"{base}/multi-stream-input", self._socket)
        app.router.add_post(f"{base}/stream", self._stream)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_body(self, fault: Fault) -> dict[str, Any]:
        status = fault.code or "error"
        return {"detail": {"status": status, "message": "Scripted failure."}}

    def speech(self, text: str, output_format: str) -> bytes:
        rate_hz = int(output_format.removeprefix("pcm_"))
        return tone(max(1, len(text.strip())) * self.ms_per_character, rate_hz)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self._remember(request, body)
        fault = self.next_fault()
        if refused := await self.refuse(fault):
            return refused
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await response.prepare(request)
        await asyncio.sleep(self.first_byte_s)
        pcm = self.speech(body["text"], request.query["output_format"])
        await response.write(pcm[: len(pcm) // 4 * 2])
        if fault:
            break_off(request)
            return response
        await response.write(pcm[len(pcm) // 4 * 2 :])
        await response.write_eof()
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._remember(request, {})
        fault = self.next_fault()
        answers = fault is None or fault.kind == Kind.HANG
        if not answers and (refused := await self.refuse(fault)):
            return refused
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        texts: dict[str, str] = {}
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            packet = json.loads(message.data)
            if packet.get("close_socket"):
                break
            context = packet.get("context_id")  # a keep-alive has none
            if not context or (fault and fault.kind == Kind.HANG):
                continue
            if packet.get("close_context"):
                self.closed_contexts += 1
                await self._speak(socket, request, context, texts.pop(context, ""))
                await socket.send_json({"isFinal": True, "contextId": context})
                continue
            texts[context] = texts.get(context, "") + packet.get("text", "")
            if not packet.get("flush") or not texts[context].strip():
                continue
            text = texts.pop(context)
            if await self._breaks_off(socket, request, context, text, fault):
                return socket
            fault = None
            await self._speak(socket, request, context, text)
        return socket

    async def _breaks_off(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        context: str,
        text: str,
        fault: Fault | None,
    ) -> bool:
        """Do what the fault says to a flushed text; True: the connection is gone."""
        if fault and fault.kind == Kind.TRUNCATE:
            await self._speak(socket, request, context, text[:3])
            break_off(request)
            return True
        if fault and fault.kind == Kind.MALFORMED:
            await socket.send_str('{"audio": "AAA')
        return False

    async def _speak(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        context: str,
        text: str,
    ) -> None:
        if not text.strip():
            return
        await asyncio.sleep(self.first_byte_s)
        pcm = self.speech(text, request.query["output_format"])
        # Half a second a message, as the vendor does, give or take.
        step = int(request.query["output_format"].removeprefix("pcm_"))
        alignment = self._alignment(text.strip())
        for at in range(0, len(pcm), step):
            audio = base64.b64encode(pcm[at : at + step]).decode()
            message: dict[str, Any] = {
                "audio": audio,
                "contextId": context,
                "isFinal": None,
            }
            if at == 0:
                message["alignment"] = message["normalizedAlignment"] = alignment
            await socket.send_json(message)

    def _alignment(self, text: str) -> dict[str, Any]:
        each = self.ms_per_character
        return {
            "chars": list(text),
            "charStartTimesMs": [each * number for number in range(len(text))],
            "charDurationsMs": [each] * len(text),
        }

    def _remember(self, request: web.Request, body: dict[str, Any]) -> None:
        self.requests.append(
            {
                **body,
                **request.query,
                "voice": request.match_info["voice"],
                "authorization": request.headers.get("xi-api-key", ""),
            }
        )
