"""The clock of one call: milliseconds since its audio connected."""

from __future__ import annotations

import asyncio
import time


class CallClock:
    """Reads 0 until `start()`; follows the loop's clock, so it never steps back."""

    def __init__(self) -> None:
        self._started_s: float | None = None

    def start(self, *, elapsed_ms: int = 0) -> None:
        self._started_s = asyncio.get_running_loop().time() - elapsed_ms / 1000

    @property
    def started_s(self) -> float:
        """Loop time at which the audio connected."""
        assert self._started_s is not None, (
            "the clock runs once the audio has connected"
        )
        return self._started_s

    def now_ms(self) -> int:
        if self._started_s is None:
            return 0
        return round((asyncio.get_running_loop().time() - self._started_s) * 1000)

    def at_ms(self, wall_s: float) -> int:
        """Convert a recent `time.time()`, to the millisecond."""
        ago_ms = round((time.time() - wall_s) * 1000)
        return max(0, self.now_ms() - ago_ms)
