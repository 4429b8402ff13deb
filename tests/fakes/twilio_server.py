"""Twilio on this machine: its call API, its signed webhooks, its media streams.

Numbers that end in 2 are busy (486), in 3 nobody answers, in 4 somebody declines (603),
in 9 the API refuses them; all others answer. A call's audio is a tone both ways.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

ACCOUNT = "AC" + "1" * 32
TOKEN = "t0ken"
TONE = b"\x10\x90" * 80  # 20 ms, loud


class FakeTwilio:
    """Serves one account; `calls` are what was asked for, `heard` what a callee heard."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, str]] = {}
        self.completed: list[str] = []
        self.heard = bytearray()
        self.sockets: dict[str, aiohttp.ClientWebSocketResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> FakeTwilio:
        app = web.Application()
        base = f"/2010-04-01/Accounts/{ACCOUNT}"
        app.router.add_get(f"{base}.json", self._account)
        app.router.add_get(f"{base}/IncomingPhoneNumbers.json", self._numbers)
        app.router.add_post(f"{base}/Calls.json", self._create)
        app.router.add_post(base + "/Calls/{sid}.json", self._update)
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
        assert self._http is not None
        assert self._runner is not None
        await self._http.close()
        await self._runner.cleanup()

    # --- the API ---

    def _refusal(self, request: web.Request) -> web.Response | None:
        credentials = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        wanted = f"Basic {credentials}"
        if request.headers.get("Authorization") == wanted:
            return None
        body = {"code": 20003, "message": "Authenticate", "status": 401}
        return web.json_response(body, status=401)

    async def _account(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response(
            {"sid": ACCOUNT, "status": "active", "friendly_name": "Bakery"}
        )

    async def _numbers(self, request: web.Request) -> web.Response:
        page = {
            "incoming_phone_numbers": [{"sid": "PN1", "phone_number": "+31201234502"}],
            "page": 0,
            "page_size": 50,
            "next_page_uri": None,
        }
        return self._refusal(request) or web.json_response(page)

    async def _create(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form["To"].endswith("9"):
            body = {"code": 21216, "message": "Call blocked", "status": 400}
            return web.json_response(body, status=400)
        sid = f"CA{len(self.calls):032d}"
        self.calls[sid] = form
        self._start(self._ring(sid, form))
        return web.json_response({"sid": sid, "status": "queued"}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        form = await request.post()
        assert form["Status"] == "completed"
        self.completed.append(sid)
        if (socket := self.sockets.get(sid)) is not None:
            await socket.close()
        return web.json_response({"sid": sid, "status": "completed"})

    # --- the telephone ---

    async def _ring(self, sid: str, form: dict[str, str]) -> None:
        await asyncio.sleep(0.05)
        ends = {"2": ("busy", "486"), "3": ("no-answer", "480"), "4": ("busy", "603")}
        if (end := ends.get(form["To"][-1])) is not None:
            await self.post(
                form["StatusCallback"],
                {"CallSid": sid, "CallStatus": end[0], "SipResponseCode": end[1]},
            )
            return
        await self.stream(sid, form["Twiml"])

    async def post(
        self, url: str, form: dict[str, str], *, token: str = TOKEN
    ) -> tuple[int, str]:
        """Send a webhook, signed as Twilio signs."""
        assert self._http is not None
        signature = RequestValidator(token).compute_signature(url, form)
        headers = {"X-Twilio-Signature": signature}
        async with self._http.post(url, data=form, headers=headers) as answer:
            return answer.status, await answer.text()

    def open_stream(self, sid: str, twiml: str) -> None:
        """Begin to stream as TwiML says, beside whatever comes next."""
        self._start(self.stream(sid, twiml))

    async def stream(self, sid: str, twiml: str) -> None:
        assert self._http is not None
        found = re.search(r'<Stream url="([^"]+)"', twiml)
        token = re.search(r'name="token" value="([^"]+)"', twiml)
        assert found is not None, twiml
        assert token is not None, twiml
        async with self._http.ws_connect(found[1]) as socket:
            self.sockets[sid] = socket
            await socket.send_json(
                {"event": "connected", "protocol": "Call", "version": "1.0.0"}
            )
            await socket.send_json(
                {
                    "event": "start",
                    "sequenceNumber": "1",
                    "streamSid": "MZ1",
                    "start": {
                        "accountSid": ACCOUNT,
                        "streamSid": "MZ1",
                        "callSid": sid,
                        "tracks": ["inbound"],
                        "mediaFormat": {
                            "encoding": "audio/x-mulaw",
                            "sampleRate": 8000,
                            "channels": 1,
                        },
                        "customParameters": {"token": token[1]},
                    },
                }
            )
            speaking = asyncio.create_task(self._speak(socket))
            try:
                async for message in socket:
                    said: Any = json.loads(message.data)
                    assert said["streamSid"] == "MZ1"
                    self.heard += base64.b64decode(said["media"]["payload"])
            finally:
                speaking.cancel()

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for chunk in range(1, 1_000):
            media = {
                "track": "inbound",
                "chunk": str(chunk),
                "timestamp": str(chunk * 20),
                "payload": base64.b64encode(TONE).decode(),
            }
            await socket.send_json(
                {"event": "media", "streamSid": "MZ1", "media": media}
            )
            if chunk == 5:
                dtmf = {"track": "inbound_track", "digit": "7"}
                await socket.send_json(
                    {"event": "dtmf", "streamSid": "MZ1", "dtmf": dtmf}
                )
            await asyncio.sleep(0.02)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
