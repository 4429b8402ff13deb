"""The voice process's way to the database: threads of its own, and patience.

The heartbeat has a thread to itself, because a call's life hangs on it: no slow bill and
no large recording may stand before it. A database that is away for a moment is asked
again; whatever is asked here may be asked twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

T = TypeVar("T")
logger = logging.getLogger(__name__)

THREADS: Final = 4  # and the heartbeat's: the demo gives a voice process 5 connections
RETRY_AFTER_S: Final = 0.5
AWAY: Final = (OperationalError, InterfaceError)

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="node-database")
_heartbeat = ThreadPoolExecutor(1, thread_name_prefix="node-heartbeat")


async def ask(service: Callable[..., T], **values: object) -> T:
    """Run a service in a thread, once."""
    return await _run(_threads, service, values)


async def beat(service: Callable[..., T], **values: object) -> T:
    """Run a service in the heartbeat's thread, once."""
    return await _run(_heartbeat, service, values)


async def insist(
    service: Callable[..., T], *, patience_s: float, **values: object
) -> T:
    """Run a service, again and again while the database is away; then raise."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + patience_s
    while True:
        try:
            return await ask(service, **values)
        except AWAY as error:
            if loop.time() + RETRY_AFTER_S > give_up_s:
                raise
            logger.warning("database away: %s", type(error).__name__)
        await asyncio.sleep(RETRY_AFTER_S)


async def _run(
    executor: ThreadPoolExecutor, service: Callable[..., T], values: dict[str, object]
) -> T:
    run = database_sync_to_async(service, thread_sensitive=False, executor=executor)
    result: T = await run(**values)
    return result
