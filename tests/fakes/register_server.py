"""An external register of numbers not to be called, on 127.0.0.1."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.vendor_wire import VendorServer


@dataclass
class RegisterServer(VendorServer):
    """Answers who is `listed`; while `status` is no 200, or `body` is set, with that."""

    listed: set[str] = field(default_factory=set)
    status: int = 200
    body: bytes = b""
    secret: str = ""
    asked: list[list[str]] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/check", self._check)

    async def _check(self, request: web.Request) -> web.Response:
        if self.secret and request.headers.get("Authorization") != (
            f"Bearer {self.secret}"
        ):
            return web.json_response({"error": "no"}, status=401)
        numbers = (await request.json())["phone_numbers"]
        self.asked.append(numbers)
        if self.status != 200 or self.body:
            return web.Response(status=self.status, body=self.body or b"{}")
        return web.json_response({"listed": [n for n in numbers if n in self.listed]})
