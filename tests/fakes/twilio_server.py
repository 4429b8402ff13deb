"""Twilio on this machine: its call API, its signed webhooks, its media streams.

Numbers that end in 2 are busy (486), in 3 nobody answers, in 4 somebody declines (603),
in 9 the API refuses them; all others answer, those in 5 after a while. A call's audio
is a tone both ways.
"""

from __future__ import annotations

import asyncio
import base64
import re
from typing import Any

from aiohttp import web
from twilio.request_validator import RequestValidator

from tests.fakes.stream_server import StreamServer

ACCOUNT = "AC" + "1" * 32
TOKEN = "t0ken"


class FakeTwilio(StreamServer):
    """Serves one account; `calls` are what was asked for, `completed` what was ended."""

    key = "7"

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, dict[str, str]] = {}
        self.completed: list[str] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = f"/2010-04-01/Accounts/{ACCOUNT}"
        router.add_get(f"{base}.json", self._account)
        router.add_get(f"{base}/IncomingPhoneNumbers.json", self._numbers)
        router.add_post(f"{base}/Calls.json", self._create)
        router.add_post(base + "/Calls/{sid}.json", self._update)

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
        self.begin(self._ring(sid, form))
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
        await asyncio.sleep(3.0 if form["To"].endswith("5") else 0.05)
        ends = {"2": ("busy", "486"), "3": ("no-answer", "480"), "4": ("busy", "603")}
        if (end := ends.get(form["To"][-1])) is not None:
            await self.post(
                form["StatusCallback"],
                {"CallSid": sid, "CallStatus": end[0], "SipResponseCode": end[1]},
            )
            return
        await self.stream(sid, stream_in(form["Twiml"]))

    async def post(
        self, url: str, form: dict[str, str], *, token: str = TOKEN
    ) -> tuple[int, str]:
        """Send a webhook, signed as Twilio signs."""
        signature = RequestValidator(token).compute_signature(url, form)
        headers = {"X-Twilio-Signature": signature}
        async with self.http.post(url, data=form, headers=headers) as answer:
            return answer.status, await answer.text()

    def open_stream(self, sid: str, twiml: str) -> None:
        """Begin to stream as TwiML says, beside whatever comes next."""
        self.begin(self.stream(sid, stream_in(twiml)))

    def start_message(self, name: str) -> dict[str, Any]:
        media_format = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
        start = {
            "accountSid": ACCOUNT,
            "streamSid": "MZ1",
            "callSid": name,
            "tracks": ["inbound"],
            "mediaFormat": media_format,
            "customParameters": {},
        }
        return {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": "MZ1",
            "start": start,
        }


def stream_in(twiml: str) -> str:
    """Return the address that TwiML streams to."""
    found = re.search(r'<Stream url="([^"]+)"', twiml)
    assert found is not None, twiml
    return found[1]
