"""Telnyx on this machine: its call control, its signed events, its media streams.

Numbers that end in 2 are busy, in 3 nobody answers, in 4 somebody declines, in 9 the API
refuses them; all others answer. A call's audio is a tone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.stream_server import StreamServer

API_KEY = "KEY0123"
CONNECTION = "2233445566"


class FakeTelnyx(StreamServer):
    """Serves one account; `actions` are what calls were told, by their control id."""

    def __init__(self) -> None:
        super().__init__()
        self._key = Ed25519PrivateKey.generate()
        self.public_key = base64.b64encode(
            self._key.public_key().public_bytes_raw()
        ).decode()
        self.dialled: list[dict[str, Any]] = []
        self.actions: list[tuple[str, str, dict[str, Any]]] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/calls", self._dial)
        router.add_post("/calls/{id}/actions/{action}", self._act)
        router.add_get("/connections/{id}", self._connection)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {API_KEY}":
            return None
        error = {"code": "10009", "title": "Authentication failed"}
        return web.json_response({"errors": [error]}, status=401)

    async def _connection(self, request: web.Request) -> web.Response:
        data = {"id": request.match_info["id"], "connection_name": "Bakery"}
        return self._refusal(request) or web.json_response({"data": data})

    async def _dial(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        asked = await request.json()
        if asked["to"].endswith("9"):
            error = {"code": "10010", "title": "Dialed number is not whitelisted"}
            return web.json_response({"errors": [error]}, status=403)
        self.dialled.append(asked)
        control_id = f"v3:{len(self.dialled)}"
        self.begin(self._ring(control_id, asked))
        return web.json_response({"data": {"call_control_id": control_id}})

    async def _act(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json() if request.can_read_body else {}
        control_id = request.match_info["id"]
        self.actions.append((request.match_info["action"], control_id, body))
        if request.match_info["action"] == "answer":
            self.begin(self.stream(control_id, body["stream_url"]))
        return web.json_response({"data": {"result": "ok"}})

    async def _ring(self, control_id: str, asked: dict[str, Any]) -> None:
        await asyncio.sleep(3.0 if asked["to"].endswith("5") else 0.05)
        ends = {
            "2": ("user_busy", "486"),
            "3": ("timeout", "487"),
            "4": ("call_rejected", "603"),
        }
        if (end := ends.get(asked["to"][-1])) is not None:
            cause = {"hangup_cause": end[0], "sip_hangup_cause": end[1]}
            await self.tell(asked["webhook_url"], "call.hangup", control_id, **cause)
            return
        await self.tell(asked["webhook_url"], "call.answered", control_id)
        await self.stream(control_id, asked["stream_url"])

    async def tell(
        self, url: str, kind: str, control_id: str, *, forged: Any = False, **more: Any
    ) -> int:
        """Send an event, signed as Telnyx signs; return the status of the answer."""
        payload = {"call_control_id": control_id, "direction": "outgoing"} | more
        event = {"record_type": "event", "event_type": kind, "payload": payload}
        body = json.dumps({"data": event})
        stamp = str(int(time.time()))
        key = Ed25519PrivateKey.generate() if forged else self._key
        signature = base64.b64encode(key.sign(f"{stamp}|{body}".encode())).decode()
        headers = {
            "Content-Type": "application/json",
            "Telnyx-Signature-Ed25519": signature,
            "Telnyx-Timestamp": stamp,
        }
        async with self.http.post(url, data=body, headers=headers) as answer:
            return answer.status

    def start_message(self, name: str) -> dict[str, Any]:
        media_format = {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
        start = {"call_control_id": name, "media_format": media_format}
        return {"event": "start", "stream_id": "s1", "start": start}
