"""How much is let in: calls a second and at once on a trunk, answers to strangers.

Pure but for the clock. Limits are exact: in no second more than the number allowed.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

MAX_SOURCES: Final = 1_000
ANSWERS_A_SECOND: Final = 50
ANSWERS_A_SOURCE: Final = 10  # a second
LOG_EVERY_S: Final = 60.0


class Rate:
    """At most `limit` in any one second; 0 is no limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._when: deque[float] = deque()

    def take(self, now_s: float) -> bool:
        """Whether one more is within the limit; then it counts."""
        if self.limit <= 0:
            return True
        while self._when and now_s - self._when[0] >= 1.0:
            self._when.popleft()
        if len(self._when) >= self.limit:
            return False
        self._when.append(now_s)
        return True


class TrunkGate:
    """The limits of one trunk, both directions together."""

    def __init__(self, *, max_channels: int, calls_per_second: int) -> None:
        self.max_channels = max_channels
        self.live = 0
        self._rate = Rate(calls_per_second)

    def configure(self, *, max_channels: int, calls_per_second: int) -> None:
        self.max_channels = max_channels
        self._rate.limit = calls_per_second

    def enter(self) -> str:
        """Take a place; return why there is none, in words, or nothing."""
        if self.max_channels and self.live >= self.max_channels:
            return f"All {self.max_channels} channels of the trunk are in use."
        if not self._rate.take(time.monotonic()):
            return f"The trunk starts {self._rate.limit} calls a second at most."
        self.live += 1
        return ""

    def leave(self) -> None:
        self.live -= 1


class StrangerGuard:
    """Bounds what senders nobody knows can make us do, and what they make us write."""

    def __init__(self) -> None:
        self._all = Rate(ANSWERS_A_SECOND)
        self._sources: dict[str, Rate] = {}
        self._logged_s: dict[str, float] = {}
        self._refused = 0

    def may_answer(self, host: str) -> bool:
        now_s = time.monotonic()
        source = self._sources.get(host)
        if source is None:
            if len(self._sources) >= MAX_SOURCES:
                self._sources.clear()
            source = self._sources[host] = Rate(ANSWERS_A_SOURCE)
        return source.take(now_s) and self._all.take(now_s)

    def may_log(self, kind: str) -> bool:
        """Once a minute of each kind."""
        now_s = time.monotonic()
        last_s = self._logged_s.get(kind)
        if last_s is not None and now_s - last_s < LOG_EVERY_S:
            return False
        self._logged_s[kind] = now_s
        return True

    def count_refusal(self) -> int:
        self._refused += 1
        return self._refused
