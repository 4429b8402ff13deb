"""How the recognisers of these tests hear: sound and silence, not words.

An utterance begins with a loud sample and ends with 200 ms of silence; which words it
had is for the server to say.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import StrEnum

LOUD = 200  # a sample further from zero than this is sound
SILENCE_ENDS_MS = 200
INTERIM_AFTER_MS = 100


class Heard(StrEnum):
    BEGAN = "began"
    INTERIM = "interim"  # enough for its first word
    ENDED = "ended"


@dataclass
class Hearing:
    """Fed with s16 mono sound of one rate."""

    rate_hz: int
    heard_ms: int = 0
    began_ms: int | None = None
    _silent_ms: int = 0
    _has_interim: bool = False

    def hear(self, pcm: bytes) -> list[Heard]:
        found = []
        # Every 16th sample tells sound from silence well enough.
        samples = array("h", pcm[: len(pcm) // 2 * 2])[::16]
        ms = len(pcm) * 1000 // (self.rate_hz * 2)
        if samples and max(max(samples), -min(samples)) > LOUD:
            self._silent_ms = 0
            if self.began_ms is None:
                self.began_ms = self.heard_ms
                found.append(Heard.BEGAN)
        else:
            self._silent_ms += ms
        self.heard_ms += ms
        if self.began_ms is None:
            return found
        if not self._has_interim and self.heard_ms - self.began_ms >= INTERIM_AFTER_MS:
            self._has_interim = True
            found.append(Heard.INTERIM)
        if self._silent_ms >= SILENCE_ENDS_MS:
            found.append(Heard.ENDED)
        return found

    def end(self) -> bool:
        """Whether an utterance was going on; it is over now."""
        was_on = self.began_ms is not None
        self.began_ms, self._has_interim, self._silent_ms = None, False, 0
        return was_on
