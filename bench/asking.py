"""What our side adds to a question that a call waits for, beside the receiver's own time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.figures import Figure, all_met, at_most, median, percentile

ASKING_GOAL_MS: Final = 5.0


async def _questions(seconds: float) -> list[float]:
    """Ask a receiver on this machine; return what our side added to each, in ms."""
    from aiohttp import web

    from common.http.client import close_sessions
    from portal.webhooks.asking import Listener, ask
    from portal.webhooks.samples import sample

    spent: list[float] = []

    async def receive(request: web.Request) -> web.Response:
        started = time.perf_counter()
        await request.read()
        await asyncio.sleep(0.01)
        spent.append((time.perf_counter() - started) * 1000)
        return web.json_response({"result": "Tuesday at ten"})

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    listener = Listener(f"http://127.0.0.1:{port}/", ("secret",), "Bench/1.0")
    data = sample("tool-calls")
    added = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        reply = await ask(listener, kind="tool-calls", data=data, timeout_s=10)
        assert reply.is_useful, reply.error
        added.append((time.perf_counter() - started) * 1000 - spent[-1])
    await close_sessions()
    await runner.cleanup()
    return added


def figures(rounds: int, seconds: float) -> list[Figure]:
    from django.conf import settings

    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    p95 = [percentile(asyncio.run(_questions(seconds)), 0.95) for _ in range(rounds)]
    return [
        Figure(
            "What our side adds to a question's answer, 95 %",
            "ms",
            median(p95),
            f"at most {ASKING_GOAL_MS:g} ms beside the receiver's own time",
            all_met(at_most(median(p95), ASKING_GOAL_MS)),
            limit=ASKING_GOAL_MS,
            limit_name="asked for",
            ratio_to_limit=round((median(p95) or 0) / ASKING_GOAL_MS, 2),
            runs=p95,
        )
    ]
