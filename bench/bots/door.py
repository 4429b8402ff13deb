"""How every bot is reached: offers in, answers out. Runs in any bot's environment.

    POST /calls        {"sdp"}  ->  {"id", "sdp"}
    DELETE /calls/ID            hangs up; returns once everything of the call is gone
    GET /timings                what the bot itself says about its turns, and forgets it

Prints its port and serves until it is ended. Imports nothing but aiohttp: one of the
bots lives in an environment of its own, which has no code of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

# Takes an offer; gives the answer and what hangs up.
Accept = Callable[[str], Awaitable[tuple[str, Callable[[], Awaitable[None]]]]]


async def serve(accept: Accept, timings: list[dict[str, int]]) -> None:
    """Serve one bot until SIGTERM."""
    hang_ups: dict[str, Callable[[], Awaitable[None]]] = {}
    numbers = itertools.count(1)

    async def start(request: web.Request) -> web.Response:
        offer = (await request.json())["sdp"]
        sdp, hang_up = await accept(offer)
        number = str(next(numbers))
        hang_ups[number] = hang_up
        return web.json_response({"id": number, "sdp": sdp})

    async def stop(request: web.Request) -> web.Response:
        await hang_ups.pop(request.match_info["id"])()
        return web.json_response({})

    async def tell(request: web.Request) -> web.Response:
        told, timings[:] = list(timings), []
        return web.json_response(told)

    app = web.Application()
    app.router.add_post("/calls", start)
    app.router.add_delete("/calls/{id}", stop)
    app.router.add_get("/timings", tell)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    for hang_up in hang_ups.values():
        with contextlib.suppress(Exception):  # the process ends anyhow
            await asyncio.wait_for(hang_up(), 5)
    await runner.cleanup()
