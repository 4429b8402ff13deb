"""How often and how soon one person may be called, whichever campaign calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

DAY: Final = timedelta(hours=24)


@dataclass(frozen=True)
class PersonLimits:
    """Calls to one person within 24 hours, and seconds between two; `None`: no limit."""

    max_a_day: int | None = None
    gap_s: int = 0

    def tightened(self, max_a_day: int | None) -> PersonLimits:
        """Return these limits with a cap that the law sets as well."""
        caps = [cap for cap in (self.max_a_day, max_a_day) if cap is not None]
        return PersonLimits(min(caps) if caps else None, self.gap_s)


@dataclass(frozen=True)
class NotYet:
    """The person may be called at `at`; `because` is `daily_cap` or `min_gap`."""

    at: datetime
    because: str


def may_call(
    limits: PersonLimits, calls_at: Sequence[datetime], now: datetime
) -> NotYet | None:
    """Return `None` when a person called at these moments may be called now."""
    recent = sorted(at for at in calls_at if at > now - DAY)
    found: list[NotYet] = []
    if limits.max_a_day is not None and len(recent) >= limits.max_a_day:
        # Of a cap of nothing a day there is no moment at which it is kept.
        oldest = recent[-limits.max_a_day] if limits.max_a_day else now
        found.append(NotYet(oldest + DAY, "daily_cap"))
    if calls_at and limits.gap_s:
        free_at = max(calls_at) + timedelta(seconds=limits.gap_s)
        if free_at > now:
            found.append(NotYet(free_at, "min_gap"))
    return max(found, key=lambda one: one.at) if found else None
