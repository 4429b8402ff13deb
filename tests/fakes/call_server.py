"""A web server that speaks the call panel's protocol, scripted, for browser tests.

It serves the panel on a page with the product's own policy (CSP), starts calls, takes
signalling, and answers offers with a real peer connection. `messages` is what the page
said, in order; `drop` cuts the socket as a bad network does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from aiortc.sdp import candidate_from_sdp
from django.conf import settings
from django.contrib.staticfiles import finders

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; object-src 'none'"
)
CAPTIONS = (
    ("assistant", "Good", False),
    ("assistant", "Good morning.", True),
    ("user", "Hello.", True),
)


@dataclass
class CallServer:
    """One scripted server; `url` is where the panel's page is."""

    pages: dict[str, str]
    url: str = ""
    refusal: dict[str, str] | None = None
    answers_offers: bool = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    csrf_tokens: list[str] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    peers: list[RTCPeerConnection] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def closed(self) -> None:
        """Wait until the page has closed its socket."""
        await self.over.wait()

    async def drop(self) -> None:
        """Cut the newest socket, as a broken network does."""
        await self.sockets[-1].close(code=1011)

    async def page(self, request: web.Request) -> web.StreamResponse:
        text = self.pages.get(request.path)
        if text is None:
            raise web.HTTPNotFound
        return web.Response(
            text=text,
            content_type="text/html",
            headers={"Content-Security-Policy": POLICY},
        )

    async def static(self, request: web.Request) -> web.StreamResponse:
        found = finders.find(request.match_info["path"])
        if not found:
            raise web.HTTPNotFound
        return web.FileResponse(Path(str(found)))

    async def start(self, request: web.Request) -> web.StreamResponse:
        self.csrf_tokens.append(request.headers.get("X-CSRFToken", ""))
        if self.refusal is not None:
            return web.json_response({"error": self.refusal}, status=402)
        call = {
            "call_id": "call",
            "token": "first",
            "server_url": "/socket",
            "ice_servers": [],
            "call_url": "/calls/call/",
        }
        return web.json_response(call, status=201)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.tokens.append(request.query["token"])
        welcome = {"type": "welcome", "call_id": "call", "state": {"status": "queued"}}
        await socket.send_json(
            {**welcome, "resume_token": f"resume-{len(self.sockets)}"}
        )
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = frame.json()
            self.messages.append(message)
            if message["type"] == "offer" and self.answers_offers:
                await self._answer(socket, message["sdp"])
            elif message["type"] == "candidate":
                await self._candidate(message["candidate"])
        self.over.set()
        return socket

    async def _answer(self, socket: web.WebSocketResponse, sdp: str) -> None:
        peer = RTCPeerConnection()
        self.peers.append(peer)
        peer.addTrack(AudioStreamTrack())
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        await socket.send_json({"type": "answer", "sdp": peer.localDescription.sdp})
        for speaker, text, is_final in CAPTIONS:
            caption = {"speaker": speaker, "text": text, "is_final": is_final}
            await socket.send_json({"type": "caption", "at_ms": 1200, **caption})

    async def _candidate(self, data: dict[str, Any] | None) -> None:
        if not data or not data.get("candidate") or not self.peers:
            return
        candidate = candidate_from_sdp(data["candidate"].split(":", 1)[1])
        candidate.sdpMid = data["sdpMid"]
        candidate.sdpMLineIndex = data["sdpMLineIndex"]
        await self.peers[-1].addIceCandidate(candidate)


@asynccontextmanager
async def call_server(pages: dict[str, str]) -> AsyncIterator[CallServer]:
    """Serve pages and calls on a free loopback port until the block ends."""
    server = CallServer(pages)
    app = web.Application()
    app.router.add_post("/start/", server.start)
    app.router.add_get("/socket", server.socket)
    app.router.add_get(f"{settings.STATIC_URL}{{path:.+}}", server.static)
    app.router.add_get("/{path:.*}", server.page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/"
    try:
        yield server
    finally:
        await asyncio.gather(*(peer.close() for peer in server.peers))
        await runner.cleanup()
