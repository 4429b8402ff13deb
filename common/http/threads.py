"""The same requests from code that has no event loop: one loop in a thread, a process."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future

from common.http.client import Answer, Request, close_sessions, request

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_pid = 0


def submit(wanted: Request) -> Future[Answer]:
    """Start a request and return at once; the future holds the answer or `OutboundError`."""
    return asyncio.run_coroutine_threadsafe(request(wanted), _running_loop())


def send(wanted: Request) -> Answer:
    """Send and wait for the answer; raises `OutboundError` within the request's time."""
    return submit(wanted).result()


def close_connections() -> None:
    """Close the kept connections of this process."""
    if _loop is not None and _pid == os.getpid():
        asyncio.run_coroutine_threadsafe(close_sessions(), _loop).result()


def _running_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this process; a forked worker has its own."""
    global _loop, _pid
    with _lock:
        if _loop is None or _pid != os.getpid():
            _loop, _pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(
                target=_loop.run_forever, name="outbound", daemon=True
            ).start()
        return _loop
