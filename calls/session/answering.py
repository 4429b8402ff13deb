"""A person or a machine? Told from what is heard after an outbound call is answered.

    evidence   words       a greeting's words, from the recogniser
               beep        a steady tone, as machines give before they record
               length      a first utterance longer than people say hello
               hello       a short first utterance, and then silence: a person waits

One piece that is certain decides; pieces that are weak decide together; else it is not
sure, and the assistant's owner has said what to do then. Pure: 20 ms in, a verdict out.

LiveKit's detector is not asked: it wants a language model for every call that is
answered, hears no beep, and takes a short greeting for a person before its words are
known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from calls.session.voicemail import Certainty, voicemail_words

LOUD_RMS: Final = 200.0
PAUSE_MS: Final = 700  # longer ends the first utterance
HELLO_MS: Final = 2_200  # people say hello, their name and their company in this
LONG_MS: Final = 6_000
NOBODY_MS: Final = 9_000
BEEP_MS: Final = 180
BEEP_HZ: Final = (350.0, 2_500.0)
PURE: Final = 0.85  # of a frame's energy in one narrow band: no voice is


class AnsweredBy(StrEnum):
    PERSON = "person"
    MACHINE = "machine"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Verdict:
    by: AnsweredBy
    evidence: tuple[str, ...]
    greeting_ms: int


class AnswerEar:
    """Follows what the callee says; `verdict` is set once, and stays."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.elapsed_ms = 0
        self.silence_ms = 0
        self.greeting_ms = 0  # of the first utterance, its short pauses included
        self.verdict: Verdict | None = None
        self.has_beeped = False
        self._has_spoken = False
        self._is_first_over = False
        self._words = Certainty.NONE
        self._has_words = False
        self._tone_ms = 0
        self._tone_hz = 0.0

    @property
    def is_our_turn(self) -> bool:
        """Whether a machine records now: it beeped and is still, or has long been still."""
        if self.has_beeped:
            return self._tone_ms == 0 and self.silence_ms >= 200
        return self._has_spoken and self.silence_ms >= 2_500

    def hear(self, pcm: bytes, rate_hz: int) -> Verdict | None:
        """Take a piece of the callee's audio; return the verdict once it is known."""
        samples = np.frombuffer(pcm, np.int16).astype(np.float32)
        duration_ms = len(samples) * 1000 // rate_hz
        is_loud = bool(len(samples)) and float(np.mean(samples**2)) > LOUD_RMS**2
        self.elapsed_ms += duration_ms
        self._follow_tone(samples, rate_hz, duration_ms, is_loud)
        self._follow_speech(is_loud, duration_ms)
        return self._decide()

    def understand(self, text: str) -> Verdict | None:
        """Take the words of the first utterance."""
        if not self._has_words:
            self._has_words = True
            self._words = voicemail_words(text, self._language)
        return self._decide()

    def _follow_tone(
        self, samples: np.ndarray, rate_hz: int, duration_ms: int, is_loud: bool
    ) -> None:
        hz = _tone_of(samples, rate_hz) if is_loud else 0.0
        if not hz or (self._tone_ms and abs(hz - self._tone_hz) > 60):
            self._tone_ms = 0
            return
        self._tone_ms += duration_ms
        self._tone_hz = hz
        if self._tone_ms >= BEEP_MS:
            self.has_beeped = True

    def _follow_speech(self, is_loud: bool, duration_ms: int) -> None:
        if is_loud:
            if self._has_spoken and not self._is_first_over:
                self.greeting_ms += self.silence_ms
            if not self._is_first_over:
                self.greeting_ms += duration_ms
            self._has_spoken, self.silence_ms = True, 0
            return
        self.silence_ms += duration_ms
        if self._has_spoken and self.silence_ms >= PAUSE_MS:
            self._is_first_over = True

    def _decide(self) -> Verdict | None:
        if self.verdict is None and (found := self._found()) is not None:
            by, evidence = found
            self.verdict = Verdict(by, tuple(evidence), self.greeting_ms)
        return self.verdict

    def _found(self) -> tuple[AnsweredBy, list[str]] | None:
        weak = self._weak()
        sure = ["words"] if self._words is Certainty.SURE else []
        sure += ["beep"] if self.has_beeped else []
        if sure or len(weak) >= 2:
            return AnsweredBy.MACHINE, list(dict.fromkeys([*sure, *weak]))
        if not self._has_spoken and self.elapsed_ms >= NOBODY_MS:
            return AnsweredBy.UNSURE, ["silence"]
        if not (self._is_first_over and self._has_words):
            return None
        if self.greeting_ms <= HELLO_MS and not weak:
            return AnsweredBy.PERSON, ["hello"]
        return AnsweredBy.UNSURE, weak or ["length"]

    def _weak(self) -> list[str]:
        weak = []
        if self._words is not Certainty.NONE:
            weak.append("words")
        if self.greeting_ms >= LONG_MS:
            weak.append("length")
        return weak


def _tone_of(samples: np.ndarray, rate_hz: int) -> float:
    """Return the frequency of a pure tone, or 0 for anything else."""
    window = samples * np.hanning(len(samples))
    energy = np.abs(np.fft.rfft(window)) ** 2
    energy[:2] = 0  # a constant is no tone
    total = float(energy.sum())
    if total <= 0:
        return 0.0
    peak = int(energy.argmax())
    around = float(energy[max(0, peak - 2) : peak + 3].sum())
    hz = peak * rate_hz / len(samples)
    is_tone = around / total >= PURE and BEEP_HZ[0] <= hz <= BEEP_HZ[1]
    return hz if is_tone else 0.0
