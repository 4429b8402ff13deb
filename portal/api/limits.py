"""Requests a minute for each key, counted in the database: exact over all processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

WINDOW_S = 60

_COUNT = """
insert into portal_ratecount (subject, window_at, count) values (%s, %s, 1)
on conflict (subject) do update set
  count = case when portal_ratecount.window_at = excluded.window_at
    then portal_ratecount.count + 1 else 1 end,
  window_at = excluded.window_at
returning count
"""


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


def count_request(key_id: UUID) -> Allowance:
    """Count one request of a key in this minute; one statement, no race."""
    window_at = int(time.time()) // WINDOW_S * WINDOW_S
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [f"key:{key_id}", window_at])
        (count,) = cursor.fetchone()
    limit = settings.API_RATE_PER_MINUTE
    return Allowance(limit, max(0, limit - count), window_at + WINDOW_S, count > limit)
