"""Requests a minute for each key, counted in the database: exact over all processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings

from portal.postgresql.prepared import prepared_cursor

WINDOW_S: Final = 60
CONTROL_COMMANDS_PER_MINUTE: Final = 10

# A request that started in the minute before and comes late counts in the newer one.
_COUNT: Final = """
insert into portal_ratecount as kept (subject, window_at, count) values (%s, %s, 1)
on conflict (subject) do update set
  count = case when kept.window_at >= excluded.window_at then kept.count + 1 else 1 end,
  window_at = greatest(kept.window_at, excluded.window_at)
returning count, window_at
"""


class RateExceeded(Exception):
    """A limit other than the key's was reached."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Allowance:
    """What is left of a minute. `reset_at` is Unix time in seconds."""

    limit: int
    remaining: int
    reset_at: int
    is_exceeded: bool

    @property
    def retry_after_s(self) -> int:
        return max(1, self.reset_at - int(time.time()))

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_at),
        }


def count_request(key_id: UUID, limit: int | None = None) -> Allowance:
    """Count one request of a key in this minute; an organization may have a lower limit."""
    most = settings.API_RATE_PER_MINUTE
    return _count(f"key:{key_id}", most if limit is None else min(limit, most))


def count_stranger(address: str) -> Allowance:
    """Count one request without a valid key, by the address it came from."""
    return _count(f"address:{address[:60]}", settings.API_RATE_PER_MINUTE)


def count_command(call_id: UUID) -> None:
    """Count one command of a call; raise `RateExceeded` above ten a minute."""
    allowance = _count(f"control:{call_id}", CONTROL_COMMANDS_PER_MINUTE)
    if allowance.is_exceeded:
        raise RateExceeded(
            too_many(allowance.retry_after_s), retry_after_s=allowance.retry_after_s
        )


def too_many(retry_after_s: int) -> str:
    """Return the documented message."""
    return f"Too many requests. Please retry after {retry_after_s} seconds."


def _count(subject: str, limit: int) -> Allowance:
    """Count one in this minute; one statement, no race."""
    now = int(time.time()) // WINDOW_S * WINDOW_S
    with prepared_cursor() as cursor:
        row = cursor.execute(_COUNT, [subject, now]).fetchone()
    assert row is not None
    count, window_at = row
    return Allowance(limit, max(0, limit - count), window_at + WINDOW_S, count > limit)
