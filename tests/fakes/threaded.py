"""A vendor's server in a thread of its own, for tests and programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from tests.fakes.vendor_wire import VendorServer

Served = TypeVar("Served", bound=VendorServer)


@contextmanager
def served_in_a_thread(server: Served) -> Iterator[Served]:
    """Start a server, and stop it and its thread at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
