"""What happens while a caller says nothing.

    speaking ──▶ away ──first_check──▶ check 1 ──interval──▶ … check n ──interval──▶ hang up
       ▲           ▲                      │
       │           ╰── the assistant has finished speaking
       ╰── words of the caller: counting starts anew

A sound without words (a cough, a door) stops the clock while it lasts and nothing more.
While the assistant speaks or thinks nobody is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from assistants.speech_shapes import Silence
from calls.session.events import ActivityChanged, SessionEvent, Speaker, TurnSpoken


class SilenceWatch:
    """Follows a session's events; asks to check, and in the end to hang up.

    `check(sentence)` says it, or finds own words when there is none.
    """

    def __init__(
        self,
        silence: Silence,
        *,
        check: Callable[[str | None], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._silence = silence
        self._check, self._hang_up = check, hang_up
        self._checks = 0
        self._is_assistant_quiet = self._is_caller_quiet = True
        self._timer: asyncio.TimerHandle | None = None

    def see(self, event: SessionEvent) -> None:
        """Take note of an event of the session."""
        match event:
            case ActivityChanged(speaker=Speaker.ASSISTANT, activity=activity):
                self._is_assistant_quiet = activity == "listening"
            case ActivityChanged(speaker=Speaker.USER, activity=activity):
                self._is_caller_quiet = activity != "speaking"
            case TurnSpoken(speaker=Speaker.USER):
                self._checks = 0
            case _:
                return
        self._wait()

    def close(self) -> None:
        """Wait no more."""
        self._stop()
        self._check, self._hang_up = _nothing, _nothing

    def _wait(self) -> None:
        self._stop()
        if self._is_assistant_quiet and self._is_caller_quiet:
            silence = self._silence
            is_first = self._checks == 0
            wait_s = (
                silence.first_check_seconds if is_first else silence.interval_seconds
            )
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._act)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _act(self) -> None:
        self._timer = None
        if self._checks >= self._silence.max_attempts:
            self._hang_up()
            return
        sentences = self._silence.messages
        sentence = sentences[self._checks % len(sentences)] if sentences else None
        self._checks += 1
        # Should nothing come of it, the next check is not left to an event either.
        self._wait()
        self._check(sentence)


def _nothing(*args: object) -> None:
    """The call is over."""
