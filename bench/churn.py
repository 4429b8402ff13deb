"""Calls that come and go beside calls that stay: starting is what breaks running calls.

Some calls stay; the others start three at a time, talk, and leave. What the steady ones
hear meanwhile is measured, and whether the memory comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.caller import Crowd
from bench.carrying import PEER_NAME
from bench.figures import Figure, at_most, median, ratio
from bench.machine import Cores, resident_mb
from bench.processes import OURS, PEER, Bot, bot
from bench.window import Watch, Window
from calls.media.caller.utterance import Utterance

AT_ONCE = 3
STEADY = 4
LATE_PERCENT, WORST_MS = 0.5, 120.0
GROWTH_MB = 10.0  # allocators keep some; a leak of a session would be ten times that
REST_S = 4.0


@dataclass(frozen=True)
class Plan:
    calls: int
    talk_s: float
    rounds: int


FULL = Plan(calls=60, talk_s=2.0, rounds=1)
QUICK = Plan(calls=6, talk_s=1.5, rounds=1)


@dataclass(frozen=True)
class Churned:
    """What the steady calls saw, and the memory before and after."""

    window: Window
    before_mb: float
    after_mb: float

    @property
    def growth_mb(self) -> float:
        return self.after_mb - self.before_mb

    def as_json(self) -> dict[str, Any]:
        return {
            **self.window.as_json(),
            "late_percent": round(self.window.late_percent, 3),
            "before_mb": round(self.before_mb, 1),
            "after_mb": round(self.after_mb, 1),
        }


async def measure_rounds(
    plan: Plan,
    cores: Cores,
    vendor_urls: list[str],
    peer: Path | None,
    utterance: Utterance,
) -> list[dict[str, Churned]]:
    rounds = []
    for _ in range(plan.rounds):
        found = {}
        for kind in (OURS, *([PEER] if peer else [])):
            with bot(kind, cores, vendor_urls, peer) as running:
                crowd = Crowd(running.url, utterance)
                try:
                    found[kind] = await _churn(plan, running, crowd, cores)
                finally:
                    await crowd.aclose()
            churned = found[kind]
            print(
                f"  {kind:5} churn  late {churned.window.late_percent:.2f} %, worst"
                f" {churned.window.worst_ms:.0f} ms, memory {churned.before_mb:.0f} →"
                f" {churned.after_mb:.0f} MB",
                flush=True,
            )
        rounds.append(found)
    return rounds


async def _churn(plan: Plan, running: Bot, crowd: Crowd, cores: Cores) -> Churned:
    await crowd.grow_to(STEADY)
    steady = list(crowd.callers)
    await _come_and_go(crowd, AT_ONCE, plan.talk_s)  # what is loaded once, is loaded
    await asyncio.sleep(REST_S)
    before_mb = resident_mb(running.pid)
    watch = Watch(running, crowd, steady, cores)
    watch.begin()
    for _ in range(plan.calls // AT_ONCE):
        await _come_and_go(crowd, AT_ONCE, plan.talk_s)
    window = watch.end()
    await asyncio.sleep(REST_S)
    return Churned(window, before_mb, resident_mb(running.pid))


async def _come_and_go(crowd: Crowd, count: int, talk_s: float) -> None:
    fresh = await crowd.join(count)
    await asyncio.sleep(talk_s)
    await crowd.leave(fresh)


def figures(rounds: list[dict[str, Churned]]) -> list[Figure]:
    def of(kind: str, read: Callable[[Churned], float]) -> list[float | None]:
        return [read(one[kind]) if kind in one else None for one in rounds]

    shown = [{kind: c.as_json() for kind, c in one.items()} for one in rounds]
    measures: list[tuple[str, str, Callable[[Churned], float], float]] = [
        ("late packets", "%", lambda c: c.window.late_percent, LATE_PERCENT),
        ("worst packet", "ms late", lambda c: c.window.worst_ms, WORST_MS),
        ("memory kept", "MB", lambda c: c.growth_mb, GROWTH_MB),
    ]
    return [
        Figure(
            name=f"steady calls beside starting ones: {name}",
            unit=unit,
            ours=median(of(OURS, read)),
            peer=median(of(PEER, read)),
            peer_name=PEER_NAME,
            limit=limit,
            limit_name="most allowed",
            ratio_to_peer=ratio(of(OURS, read), of(PEER, read))[0],
            ratio_to_limit=ratio(of(OURS, read), [limit] * len(rounds))[0],
            goal=f"under {limit:g} {unit}",
            met=at_most(median(of(OURS, read)), limit),
            runs=shown,
        )
        for name, unit, read, limit in measures
    ]
