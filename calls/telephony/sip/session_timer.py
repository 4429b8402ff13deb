"""Session timers, RFC 4028: a call whose other end vanished does not go on for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipmessage import Request, Response

MIN_SE_S: Final = 90
MOST_S: Final = 86_400


@dataclass(frozen=True)
class Interval:
    """How often a session must be refreshed, and by whom."""

    seconds: int
    is_ours: bool  # we refresh; else we wait for them to


def seconds_of(
    message: Request | Response, name: str = "Session-Expires"
) -> int | None:
    value = (message.headers.get(name) or "").partition(";")[0].strip()
    if not (value.isascii() and value.isdigit() and len(value) < 9):
        return None
    return int(value)


def _refresher_of(message: Request | Response) -> str:
    value = (message.headers.get("Session-Expires") or "").lower().replace(" ", "")
    return value.partition("refresher=")[2].partition(";")[0]


def as_callee(request: Request) -> Interval | None:
    """Return what to answer to their Session-Expires; None when they ask for none."""
    seconds = seconds_of(request)
    if seconds is None:
        return None
    # Whoever asks may refresh; one that names us has to be obeyed.
    return Interval(
        min(max(seconds, MIN_SE_S), MOST_S), is_ours=_refresher_of(request) == "uas"
    )


def as_caller(response: Response) -> Interval | None:
    """Return what their answer to our INVITE settled."""
    seconds = seconds_of(response)
    if seconds is None:
        return None
    return Interval(
        min(max(seconds, MIN_SE_S), MOST_S), is_ours=_refresher_of(response) != "uas"
    )


class SessionTimer:
    """Calls `refresh` when it is our turn, and `expire` when nobody took theirs."""

    def __init__(self, refresh: Callable[[], None], expire: Callable[[], None]) -> None:
        self._refresh, self._expire = refresh, expire
        self._timers: list[asyncio.TimerHandle] = []

    def start(self, interval: Interval | None) -> None:
        """Begin, or begin anew after a refresh; None is no limit."""
        self.stop()
        if interval is None:
            return
        loop = asyncio.get_running_loop()
        seconds = interval.seconds
        if interval.is_ours:
            self._timers.append(loop.call_later(seconds / 2, self._refresh))
        # A moment before the end, so that the goodbye is still inside the session.
        last_s = seconds - min(32, seconds / 3)
        self._timers.append(loop.call_later(last_s, self._expire))

    def stop(self) -> None:
        while self._timers:
            self._timers.pop().cancel()
