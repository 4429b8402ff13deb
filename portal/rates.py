"""Counting what strangers do, over all processes, so that floods end early."""

from __future__ import annotations

import hashlib
import time
from typing import Final

from django.db import connection

# A window that ended makes room for the next; one statement, no race.
_COUNT: Final = """
insert into portal_ratecount as kept (subject, window_at, count) values (%s, %s, 1)
on conflict (subject) do update set
  count = case when kept.window_at >= excluded.window_at then kept.count + 1 else 1 end,
  window_at = greatest(kept.window_at, excluded.window_at)
returning count
"""


def is_allowed(what: str, who: str, *, limit: int, window_s: int) -> bool:
    """Count one more of `what` by `who`; return whether it is within the limit."""
    # Hashed: an address or a mail address is nothing to keep, and has any length.
    subject = f"{what}:{hashlib.sha256(who.encode()).hexdigest()[:40]}"
    now = int(time.time()) // window_s * window_s
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [subject, now])
        return int(cursor.fetchone()[0]) <= limit
