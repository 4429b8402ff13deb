"""A customer's server: takes what it is sent and answers as told, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from common.http.threads import close_connections


@dataclass(frozen=True)
class Reply:
    """One answer; `after_s` is how long it takes, `hangs` that it never comes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    hangs: bool = False


@dataclass(frozen=True)
class Received:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class Receiver:
    """Each request takes the next of `replies`, and the last one from then on."""

    url: str = ""
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    received: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append(
            Received(
                request.method,
                request.path_qs,
                {name.lower(): text for name, text in request.headers.items()},
                await request.read(),
                request.transport.get_extra_info("peername"),
            )
        )
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        await asyncio.sleep(3_600 if reply.hangs else reply.after_s)
        return web.Response(
            status=reply.status, body=reply.body, headers=dict(reply.headers)
        )


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver in a thread of its own, for code that has no event loop."""
    receiver = Receiver()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(receiver), loop).result()
    try:
        yield receiver
    finally:
        close_connections()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(receiver: Receiver) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}"
    return runner
