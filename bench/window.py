"""One stretch of time in which a bot carries a number of calls, and what came of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np

from bench.caller import LATE_MS, Caller, Crowd
from bench.machine import Cores, cpu_s, other_load, resident_mb
from bench.processes import ECHO, Bot

SETTLE_S = 3.0
GLITCH_PERCENT = 0.1
LATE_P99_MS = 40.0
ANSWERED = 0.9  # of what was asked; a window cuts off the last ones
CALLING_LAG_MS = 15.0  # callers later than this measure themselves
STOLEN_PERCENT = 5.0  # of the bot's core; more, and the machine is not quiet


@dataclass(frozen=True)
class Window:
    """What was seen of `calls` calls; `cpu_percent` is of the bot's one core."""

    kind: str
    calls: int
    cpu_percent: float
    resident_mb: float
    late_p99_ms: float
    worst_ms: float
    late_percent: float
    glitch_percent: float
    asked: int
    responses_ms: tuple[float, ...]
    calling_lag_p99_ms: float
    calling_load_percent: float
    stolen_percent: float  # of the bot's core, by others

    @property
    def cpu_per_call(self) -> float:
        return self.cpu_percent / self.calls

    @property
    def is_clean(self) -> bool:
        """Whether every call was carried as a person would have it."""
        answered = self.kind == ECHO or len(self.responses_ms) >= ANSWERED * (
            self.asked - self.calls
        )
        return (
            answered
            and self.glitch_percent < GLITCH_PERCENT
            and self.late_p99_ms < LATE_P99_MS
        )

    @property
    def doubts(self) -> str:
        """Why the figure may not be the bot's own; empty when it is."""
        found = []
        if self.calling_lag_p99_ms > CALLING_LAG_MS:
            found.append(f"callers were {self.calling_lag_p99_ms:.0f} ms late")
        if self.stolen_percent > STOLEN_PERCENT:
            found.append(f"others took {self.stolen_percent:.0f} % of the core")
        return ", ".join(found)

    def as_json(self) -> dict[str, object]:
        return {
            "system": self.kind,
            "calls": self.calls,
            "cpu_percent": round(self.cpu_percent, 1),
            "cpu_percent_per_call": round(self.cpu_per_call, 2),
            "resident_mb": round(self.resident_mb, 1),
            "late_p99_ms": round(self.late_p99_ms, 1),
            "worst_ms": round(self.worst_ms, 1),
            "glitch_percent": round(self.glitch_percent, 3),
            "responses": len(self.responses_ms),
            "calling_lag_p99_ms": round(self.calling_lag_p99_ms, 1),
            "calling_load_percent": round(self.calling_load_percent),
            "stolen_percent": round(self.stolen_percent, 1),
            "clean": self.is_clean,
            "doubts": self.doubts,
        }


class Watch:
    """Counts from `begin` to `end`, over callers that stay for all of it."""

    def __init__(
        self, bot: Bot, crowd: Crowd, callers: list[Caller], cores: Cores
    ) -> None:
        self._bot, self._crowd, self._cores = bot, crowd, cores
        self._callers = callers

    def begin(self) -> None:
        for caller in self._callers:
            caller.begin_window()
        self._crowd.lag_ms.clear()
        self._cpu_s = cpu_s(self._bot.pid)
        self._others_s = other_load(self._cores.others)
        self._measured_s = other_load(self._cores.measured)
        self._began_s = time.monotonic()

    def end(self) -> Window:
        length_s = time.monotonic() - self._began_s
        used_s = cpu_s(self._bot.pid) - self._cpu_s
        busy_s = other_load(self._cores.measured) - self._measured_s
        others_s = other_load(self._cores.others) - self._others_s
        late = np.concatenate([c.arrivals.late_ms() for c in self._callers])
        missing = sum(c.arrivals.missing(length_s) for c in self._callers)
        too_late = int((late > LATE_MS).sum())
        expected = max(1, late.size + missing)
        return Window(
            kind=self._bot.kind,
            calls=len(self._callers),
            cpu_percent=100 * used_s / length_s,
            resident_mb=resident_mb(self._bot.pid),
            late_p99_ms=float(np.percentile(late, 99)) if late.size else 9_999.0,
            worst_ms=float(late.max()) if late.size else 9_999.0,
            late_percent=100 * too_late / expected,
            glitch_percent=100 * (too_late + missing) / expected,
            asked=sum(c.asked for c in self._callers),
            responses_ms=tuple(ms for c in self._callers for ms in c.responses_ms),
            calling_lag_p99_ms=float(np.percentile(self._crowd.lag_ms or [0], 99)),
            calling_load_percent=100 * others_s / length_s / len(self._cores.others),
            stolen_percent=max(0.0, 100 * (busy_s - used_s) / length_s),
        )


async def measure(
    bot: Bot, crowd: Crowd, calls: int, cores: Cores, *, length_s: float
) -> Window:
    """Bring the crowd to `calls`, let it settle, and watch it."""
    await crowd.grow_to(calls)
    await asyncio.sleep(SETTLE_S)
    watch = Watch(bot, crowd, list(crowd.callers), cores)
    watch.begin()
    await asyncio.sleep(length_s)
    return watch.end()
