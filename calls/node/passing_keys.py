"""Keys between two telephones that were joined here: each hears what the other presses.

A caller who was handed to a switchboard chooses from its menu, though the keys never
were in the audio: RFC 4733 takes them out of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, runtime_checkable

from calls.media.link import MediaLink
from calls.telephony.protocol import DigitListener

logger = logging.getLogger(__name__)


@runtime_checkable
class _Keyed(Protocol):
    """The part of a `Leg` that has keys; a browser has none."""

    def set_digit_listener(self, listener: DigitListener | None) -> None: ...

    async def send_digits(self, digits: str) -> None: ...


@asynccontextmanager
async def passing_keys(one: MediaLink, other: MediaLink) -> AsyncIterator[None]:
    """Pass keys on in both directions, in order, for as long as the block lasts."""
    if not (isinstance(one, _Keyed) and isinstance(other, _Keyed)):
        yield
        return
    pressed: asyncio.Queue[tuple[_Keyed, str]] = asyncio.Queue()
    for line in (one, other):
        line.set_digit_listener(_forget)  # what was pressed before was for no menu
    one.set_digit_listener(lambda key: pressed.put_nowait((other, key)))
    other.set_digit_listener(lambda key: pressed.put_nowait((one, key)))
    passing = asyncio.create_task(_pass_on(pressed), name="keys passed on")
    try:
        yield
    finally:
        one.set_digit_listener(None)
        other.set_digit_listener(None)
        passing.cancel()
        with suppress(asyncio.CancelledError):
            await passing


def _forget(key: str) -> None:
    """Let a key go that nobody listened for."""


async def _pass_on(pressed: asyncio.Queue[tuple[_Keyed, str]]) -> None:
    while True:
        line, key = await pressed.get()
        try:
            await line.send_digits(key)
        except (OSError, ValueError):  # a line that is just being closed
            logger.info("a key was not passed on", exc_info=True)
