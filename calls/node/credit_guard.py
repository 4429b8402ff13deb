"""Keeps a call paid for in advance, and ends it in time when nothing is left.

held ────────────────────────────────┐ covered_s
spoken ──────────────▶ elapsed       │
                       │◀ AHEAD_S ──▶│   below: hold another stretch
                       │◀ NOTICE_S ─▶│   cannot: say so and end the call
                            MARGIN_S │   still talking: hang up
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from common.edges import contained

logger = logging.getLogger(__name__)

AHEAD_S: Final = 40
STRETCH_S: Final = 60
NOTICE_S: Final = 8
MARGIN_S: Final = 0.5
_RETRY_EVERY_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.5
_COVER_LIMIT_S: Final = 3.0


async def guard_credits(
    *,
    covered_s: int,
    elapsed_s: Callable[[], float],
    cover: Callable[[int], Awaitable[int]],
    on_low: Callable[[], Awaitable[None]],
    on_gone: Callable[[], Awaitable[None]],
) -> None:
    """Run beside a call until cancelled; else `on_low`, then `on_gone`, each once.

    `cover(total)` holds credits up to `total` seconds and returns what is covered; it
    is asked a last time before `on_low`. A database that does not answer counts as no:
    what is held already still serves.
    """
    loop = asyncio.get_running_loop()
    next_try = 0.0
    while True:
        left_s = covered_s - elapsed_s()
        if left_s < AHEAD_S and (left_s <= NOTICE_S or loop.time() >= next_try):
            next_try = loop.time() + _RETRY_EVERY_S
            total_s = int(elapsed_s()) + STRETCH_S
            covered_s = max(covered_s, await _covered(cover, total_s))
            if covered_s - elapsed_s() <= NOTICE_S:
                break
        await asyncio.sleep(_LOOK_EVERY_S)
    await on_low()
    await asyncio.sleep(covered_s - elapsed_s() - MARGIN_S)
    await on_gone()


async def _covered(cover: Callable[[int], Awaitable[int]], total_s: int) -> int:
    # Without its guard a call would run on credit that is not there.
    with contained(logger, "credits could not be held"):
        async with asyncio.timeout(_COVER_LIMIT_S):
            return await cover(total_s)
    return 0
