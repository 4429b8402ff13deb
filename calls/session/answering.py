"""A person or a machine? Told from what is heard after an outbound call is answered.

    evidence   words       a greeting's words, from the recogniser
               beep        a steady tone, as machines give before they record
               fax         the tone of a fax machine
               length      a first utterance longer than people say hello
               hello       a short first utterance, and then silence: a person waits
               silence     nothing was said
               music       sound without an end and without a word

One piece that is certain decides; pieces that are weak decide together; else it is not
sure, and the assistant's owner has said what to do then. Ringing that goes on after the
answer is nobody yet. Pure: 20 ms in, a verdict out.

LiveKit's detector (`livekit.agents.voice.amd`, looked at in 1.8.9) is not asked. It wants
a language model for every call that is answered, hears no beep, takes a short greeting
for a person before its words are known, and holds the assistant's greeting back until it
has decided, where ours begins when somebody answers. It also reads the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from calls.session.line_tones import EXCHANGE_HZ, LineTones
from calls.session.voicemail import Certainty, voicemail_words

LOUD_RMS: Final = 200.0
VOICE_MS: Final = 100  # shorter is a click, or the edge of a tone
PAUSE_MS: Final = 700  # longer ends the first utterance
HELLO_MS: Final = 2_200  # people say hello, their name and their company in this
LONG_MS: Final = 6_000
NOBODY_MS: Final = 9_000
RINGS_MS: Final = 45_000  # longer, and nobody will come
MUSIC_MS: Final = 15_000  # without a pause and without a word
SECOND_THOUGHTS_MS: Final = 45_000
ENDLESS_MS: Final = 30_000  # without a pause, whatever was said


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
    """Follows what the callee says; a `verdict` stays, unless it was not sure."""

    def __init__(self, language: str) -> None:
        self._language = language
        self.elapsed_ms = 0
        self.silence_ms = 0
        self.greeting_ms = 0  # of the first utterance, its short pauses included
        self.verdict: Verdict | None = None
        self._tones = LineTones()
        self._has_spoken = False
        self._is_first_over = False
        self._words = Certainty.NONE
        self._has_words = False
        self._may_have_words = False
        self._held_ms = 0  # loud, and not known yet to be speech

    @property
    def is_settled(self) -> bool:
        """Whether nothing that is heard from now on changes the verdict."""
        verdict = self.verdict
        return verdict is not None and (
            verdict.by is not AnsweredBy.UNSURE or self.elapsed_ms > SECOND_THOUGHTS_MS
        )

    @property
    def has_beeped(self) -> bool:
        return self._tones.beep_hz > 0

    @property
    def is_our_turn(self) -> bool:
        """Whether a machine records now: it beeped and is still, or has long been still."""
        if self.has_beeped:
            return not self._tones.is_sounding and self.silence_ms >= 200
        return self._has_spoken and self.silence_ms >= 2_500

    def hear(self, pcm: bytes, rate_hz: int) -> Verdict | None:
        """Take a piece of the callee's audio; return the verdict once it is known."""
        samples = np.frombuffer(pcm, np.int16).astype(np.float32)
        duration_ms = len(samples) * 1000 // rate_hz
        is_loud = bool(len(samples)) and float(np.mean(samples**2)) > LOUD_RMS**2
        self.elapsed_ms += duration_ms
        is_tone = self._tones.hear(
            samples, rate_hz, is_loud=is_loud, somebody_spoke=self._has_spoken
        )
        self._follow_speech(is_loud, is_tone, duration_ms)
        return self._decide()

    def notice_words(self) -> None:
        """Take that somebody says words, which are not known yet."""
        self._may_have_words = True

    def understand(self, text: str) -> Verdict | None:
        """Take the words of the first utterance."""
        if not self._has_words:
            self._has_words = True
            self._words = voicemail_words(text, self._language)
        return self._decide()

    def _follow_speech(self, is_loud: bool, is_tone: bool, duration_ms: int) -> None:
        if not is_loud:
            self.silence_ms += duration_ms + self._held_ms
            self._held_ms = 0
            if self._has_spoken and self.silence_ms >= PAUSE_MS:
                self._is_first_over = True
            return
        self._held_ms += duration_ms
        if self._tones.is_sounding:  # so that was no vowel
            self._held_ms = self.silence_ms = 0
        elif not is_tone and (self._has_spoken or self._held_ms >= VOICE_MS):
            self._speak(self._held_ms)
            self._held_ms = 0

    def _speak(self, duration_ms: int) -> None:
        if not self._is_first_over:
            pause_ms = self.silence_ms if self._has_spoken else 0
            self.greeting_ms += pause_ms + duration_ms
        self._has_spoken, self.silence_ms = True, 0

    def _decide(self) -> Verdict | None:
        if self.verdict is None or self._knows_better(self.verdict):
            found = self._found()
            if found is not None:
                by, evidence = found
                self.verdict = Verdict(by, tuple(evidence), self.greeting_ms)
        return self.verdict

    def _knows_better(self, verdict: Verdict) -> bool:
        """Whether a machine that could not be told by its greeting now beeped.

        Lower tones are no proof then: a person who puts us through lets us hear it ring.
        """
        return (
            verdict.by is AnsweredBy.UNSURE
            and self.elapsed_ms <= SECOND_THOUGHTS_MS
            and (self._tones.is_fax or self._tones.beep_hz > EXCHANGE_HZ)
        )

    def _found(self) -> tuple[AnsweredBy, list[str]] | None:
        weak = self._weak()
        sure = ["words"] if self._words is Certainty.SURE else []
        sure += ["fax"] if self._tones.is_fax else []
        sure += ["beep"] if self.has_beeped and not self._tones.is_fax else []
        if sure or len(weak) >= 2:
            return AnsweredBy.MACHINE, list(dict.fromkeys([*sure, *weak]))
        if (nothing := self._nothing_said()) is not None:
            return AnsweredBy.UNSURE, [nothing]
        if self.greeting_ms >= ENDLESS_MS:
            return AnsweredBy.UNSURE, weak
        if not (self._is_first_over and self._has_words):
            return None
        if self.greeting_ms <= HELLO_MS and not weak:
            return AnsweredBy.PERSON, ["hello"]
        return AnsweredBy.UNSURE, weak or ["length"]

    def _nothing_said(self) -> str | None:
        """Return what there is where words should be, once it has been long enough."""
        if self._has_spoken:
            if self._is_first_over or self._has_words or self._may_have_words:
                return None
            return "music" if self.greeting_ms >= MUSIC_MS else None
        waited_ms = self.elapsed_ms - self._tones.rang_until_ms
        if waited_ms < NOBODY_MS and self.elapsed_ms < RINGS_MS:
            return None
        return "music" if self._tones.is_tune else "silence"

    def _weak(self) -> list[str]:
        weak = []
        if self._words is not Certainty.NONE:
            weak.append("words")
        if self.greeting_ms >= LONG_MS:
            weak.append("length")
        return weak
