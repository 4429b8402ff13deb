"""What carriers of media streams do alike: serve an API, and stream a tone for each call."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any, Self

import aiohttp
from aiohttp import web

TONE = b"\x10\x90" * 80  # 20 ms, loud


class StreamServer:
    """A carrier's side. `heard` is what its callee heard, `key` what the callee presses."""

    key = "#"

    def __init__(self) -> None:
        self.heard = bytearray()
        self.sockets: dict[str, aiohttp.ClientWebSocketResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.url = ""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the API of this carrier."""
        raise NotImplementedError

    def start_message(self, name: str) -> dict[str, Any]:
        """Return what opens the stream of a call."""
        raise NotImplementedError

    @property
    def http(self) -> aiohttp.ClientSession:
        assert self._http is not None
        return self._http

    async def __aenter__(self) -> Self:
        app = web.Application()
        self.add_routes(app.router)
        self._http = aiohttp.ClientSession()
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._runner is not None
        await self.http.close()
        await self._runner.cleanup()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside whatever comes next."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stream(self, name: str, url: str) -> None:
        """Open a call's stream, speak, and listen until it is closed."""
        async with self.http.ws_connect(url) as socket:
            self.sockets[name] = socket
            await socket.send_json({"event": "connected", "version": "1.0.0"})
            await socket.send_json(self.start_message(name))
            speaking = asyncio.create_task(self._speak(socket))
            try:
                async for message in socket:
                    said = json.loads(message.data)
                    self.heard += base64.b64decode(said["media"]["payload"])
            finally:
                speaking.cancel()

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for chunk in range(1, 1_000):
            payload = base64.b64encode(TONE).decode()
            media = {"track": "inbound", "chunk": str(chunk), "payload": payload}
            await socket.send_json({"event": "media", "media": media})
            if chunk == 5:
                await socket.send_json({"event": "dtmf", "dtmf": {"digit": self.key}})
            await asyncio.sleep(0.02)
