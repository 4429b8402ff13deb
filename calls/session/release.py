"""Letting go of a session: every step has a time limit, and no cycle stays behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from common.edges import contained

logger = logging.getLogger(__name__)


async def in_time(step: str, work: Awaitable[object], limit_s: float) -> None:
    """Do one step of a release. A step that fails or hangs does not stop the next."""
    # Vendors and transports have their own kinds, and the rest must still go.
    with contained(logger, "release failed", step=step):
        try:
            async with asyncio.timeout(limit_s):
                await work
        except TimeoutError:
            logger.error("release took too long", extra={"step": step})


def dissolve(*parts: object) -> None:
    """Empty objects that are finished but refer to each other in circles.

    Full collections are put off while calls run, because they stop the audio; until the
    next one, circles keep a call's memory. A cancelled task is part of one: it holds
    its exception, that its frames, and those the object that holds the task. Remove
    this when the library lets go by itself on close.
    """
    for part in parts:
        if part is not None:
            part.__dict__.clear()
