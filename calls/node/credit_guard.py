"""Keeps a call paid for in advance, and ends it in time when nothing is left.

held ────────────────────────────────┐ covered_s
spoken ──────────────▶ elapsed       │
                       │◀ AHEAD_S ──▶│   below: hold another stretch
                       │◀ NOTICE_S ─▶│   cannot: say so and end the call
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from django.db import DatabaseError

logger = logging.getLogger(__name__)

AHEAD_S: Final = 40
STRETCH_S: Final = 60
NOTICE_S: Final = 8
_RETRY_EVERY_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.5


async def guard_credits(
    *,
    covered_s: int,
    elapsed_s: Callable[[], float],
    cover: Callable[[int], Awaitable[int]],
    on_empty: Callable[[], Awaitable[None]],
) -> None:
    """Run beside a call until cancelled, or until `on_empty` was called, once.

    `cover(total)` holds credits up to `total` seconds and returns what is covered. A
    database that does not answer counts as no: what is held already still serves.
    """
    loop = asyncio.get_running_loop()
    next_try = 0.0
    while covered_s - elapsed_s() > NOTICE_S:
        if covered_s - elapsed_s() < AHEAD_S and loop.time() >= next_try:
            next_try = loop.time() + _RETRY_EVERY_S
            try:
                covered_s = max(covered_s, await cover(int(elapsed_s()) + STRETCH_S))
            except DatabaseError:
                logger.exception("credits could not be held")
        await asyncio.sleep(_LOOK_EVERY_S)
    await on_empty()
