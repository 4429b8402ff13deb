"""One clock for all telephone calls of a process: 50 ticks a second, without drift.

A timer for each call would wake the loop for each frame of each call. Here a wake-up
serves half of the calls: they are spread over two phases of 10 ms, so that not all
packets leave at once and no call waits long behind the others.

What has arrived meanwhile is taken at the same moments, of all calls at once. A packet
waits 5 ms for it in the middle, 10 at most; a process that wakes for each of them alone
finds everything out of the processor's caches each time.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
from collections.abc import Callable
from time import monotonic
from typing import Final
from weakref import WeakKeyDictionary

from calls.media.link import FRAME_MS
from common.edges import contained

logger = logging.getLogger(__name__)

PHASES: Final = 2
_FRAME_S: Final = FRAME_MS / 1000
STEP_S: Final = _FRAME_S / PHASES  # between two wake-ups
_GIVE_UP_S: Final = 0.2  # this late, frames are left out: no burst of old audio

# Called with when this frame is due (`time.monotonic`) and how many were left out.
Tick = Callable[[float, int], None]


class Pacer:
    """Calls every `Tick` once each 20 ms, while there is one, and who has got packets."""

    def __init__(self) -> None:
        self._sockets = selectors.DefaultSelector()
        self._phases: list[dict[Tick, None]] = [{} for _ in range(PHASES)]
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._phase = 0

    def add(self, tick: Tick) -> None:
        min(self._phases, key=len)[tick] = None
        if self._timer is None:
            self._due_s = monotonic() + STEP_S
            self._arm()

    def listen(self, fileno: int, take: Callable[[], None]) -> None:
        """Have something taken from a socket soon after it came, while anybody ticks."""
        self._sockets.register(fileno, selectors.EVENT_READ, take)

    def ignore(self, fileno: int) -> None:
        """Listen to a socket no more: before it is closed."""
        self._sockets.unregister(fileno)

    def remove(self, tick: Tick) -> None:
        """Stop calling this one; safe to repeat."""
        for phase in self._phases:
            phase.pop(tick, None)
        if not any(self._phases) and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = max(0.0, self._due_s - monotonic())
        self._timer = loop.call_later(wait_s, self._wake)

    def _wake(self) -> None:
        timer, now_s = self._timer, monotonic()
        missed = 0
        if now_s - self._due_s > _GIVE_UP_S:
            missed = int((now_s - self._due_s) / _FRAME_S)
            self._due_s += missed * _FRAME_S
        for ready, _events in self._sockets.select(0):
            ready.data()
        # Phases whose time has come by now share the wake-up.
        for _ in range(PHASES):
            for tick in list(self._phases[self._phase]):
                # What breaks ends no other call.
                with contained(logger, "a call's clock failed") as call:
                    tick(self._due_s, missed)
                if call.error is not None:
                    self._phases[self._phase].pop(tick, None)
            self._phase = (self._phase + 1) % PHASES
            self._due_s += STEP_S
            if self._due_s > monotonic():
                break
        # A tick may have been the last, and its call followed by another one.
        if self._timer is timer and any(self._phases):
            self._arm()


_pacers: WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer] = WeakKeyDictionary()


def pacer() -> Pacer:
    """Return the running loop's one pacer."""
    loop = asyncio.get_running_loop()
    known = _pacers.get(loop)
    if known is None:
        known = _pacers[loop] = Pacer()
    return known
