"""Letting go of a session: every step has a time limit, and no cycle stays behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from livekit.agents import Agent, AgentSession

logger = logging.getLogger(__name__)


async def in_time(step: str, work: Awaitable[object], limit_s: float) -> None:
    """Do one step of a release. A step that fails or hangs does not stop the next."""
    try:
        async with asyncio.timeout(limit_s):
            await work
    except TimeoutError:
        logger.error("release took too long", extra={"step": step})
    except Exception:  # vendors' and transports' own kinds; the rest must still go
        logger.exception("release failed", extra={"step": step})


def dissolve(session: AgentSession[None], agent: Agent) -> None:
    """Empty a closed session, its activity and its agent.

    They refer to each other in circles, and full collections are put off while calls
    run (they stop the audio). Remove it when the library clears them on close.
    """
    parts: list[object] = [session, agent, session._keyterm_detector]
    for part in parts:
        part.__dict__.clear()
