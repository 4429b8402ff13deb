"""Migrating a new database says how far it is: on a small machine it takes a while."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Final

from django.core.management import call_command

_EVERY_S: Final = 5.0
_STEP: Final = "  Applying "


def migrate(say: Callable[[str], None]) -> None:
    """Bring the database up to date, with a line every few seconds."""
    call_command("migrate", interactive=False, verbosity=1, stdout=Progress(say))


class Progress(io.TextIOBase):
    """Takes what `migrate` prints, and says now and then which step it has come to."""

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._steps, self._said_at_s = 0, clock()

    def write(self, text: str) -> int:
        if text.startswith(_STEP):
            self._steps += 1
            if self._clock() - self._said_at_s >= _EVERY_S:
                self._said_at_s = self._clock()
                name = text.removeprefix(_STEP).strip(" .\n")
                self._say(f"  step {self._steps}, {name} …")
        return len(text)
