"""When a delivery is tried again, when an endpoint is left alone, and when given up."""

from __future__ import annotations

from datetime import timedelta
from random import SystemRandom
from typing import Final

GIVE_UP_AFTER: Final = timedelta(days=3)
# After the first try, the second, …; the last one repeats until the time is over.
WAITS_S: Final = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 43_200)
JITTER: Final = 0.2

# An endpoint that fails this often in a row is left alone, longer each time.
TRIPS_AFTER: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
DISABLE_AFTER: Final = GIVE_UP_AFTER
_random = SystemRandom()


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after this many tries; spread, so that none come in step."""
    seconds = WAITS_S[min(attempts, len(WAITS_S)) - 1]
    return timedelta(seconds=seconds * _random.uniform(1 - JITTER, 1 + JITTER))


def pause_after(failures_in_row: int) -> timedelta | None:
    """Return how long an endpoint is left alone after so many failures, or `None`."""
    if failures_in_row < TRIPS_AFTER:
        return None
    doublings = min(failures_in_row - TRIPS_AFTER, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
