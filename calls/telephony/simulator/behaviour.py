"""What a callee does in each 20 ms after answering: a pure machine with no clock.

    listening ──assistant finished──▶ pausing ──▶ speaking ──▶ listening …
                                                      └─last reply──▶ leaving ──▶ gone

`tick` gets 20 ms of what the callee hears and returns 20 ms of what it says, `None`
for silence. `is_gone` after it means the callee has hung up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calls.media.frames import FRAME_BYTES
from calls.media.link import FRAME_MS
from calls.telephony.simulator.callees import ARE_YOU_THERE, HELLO, Callee
from calls.telephony.simulator.hearing import Ear

PAUSE_MS: Final = 300  # between the end of a question and the reply
HELLO_AFTER_MS: Final = 3_000  # nobody speaks: a person says hello first
PROMPT_AFTER_MS: Final = 8_000
LEAVE_AFTER_MS: Final = 2_500  # after the goodbye, unless the assistant still speaks
MAX_PROMPTS: Final = 2
BEEP: Final = "\a"  # the name of the beep among the voices


class CalleeBehaviour:
    """One callee's part of one call; `voices` has each phrase as s16 PCM at 16 kHz."""

    def __init__(self, callee: Callee, voices: Mapping[str, bytes]) -> None:
        self._callee = callee
        self._voices = voices
        self._ear = Ear()
        self._replies = list(callee.replies)
        self._speech = b""
        self._position = 0
        self._pause_left_ms: int | None = None
        self._waited_ms = 0
        self._prompts = 0
        self._is_leaving = False
        self._elapsed_ms = 0
        self.is_gone = False
        self.said: list[str] = []
        if callee.greeting:
            self._say(callee.greeting)
            if callee.beeps:
                self._speech += self._voices[BEEP]

    @property
    def is_speaking(self) -> bool:
        return self._position < len(self._speech)

    def tick(self, heard: bytes | None) -> bytes | None:
        """Live through 20 ms."""
        self._elapsed_ms += FRAME_MS
        self._ear.hear(heard)
        if self.is_speaking:
            return self._next_frame()
        if self._is_over():
            self.is_gone = True
        elif self._callee.replies:
            self._converse()
        return None

    def _is_over(self) -> bool:
        limit_s = self._callee.hangs_up_after_s or self._callee.listens_s
        if self._elapsed_ms >= limit_s * 1000:
            return True
        if not self._is_leaving:
            return False
        self._waited_ms += FRAME_MS
        return self._ear.has_finished or (
            self._waited_ms >= LEAVE_AFTER_MS and not self._ear.has_started
        )

    def _converse(self) -> None:
        if self._is_leaving:
            return
        if self._pause_left_ms is not None:
            self._pause_left_ms -= FRAME_MS
            if self._pause_left_ms <= 0:
                self._reply()
        elif self._interrupts() or self._ear.has_finished:
            self._pause_left_ms = 0 if self._interrupts() else PAUSE_MS
        elif not self._ear.has_started:
            self._wait()

    def _interrupts(self) -> bool:
        after_s = self._callee.interrupts_after_s
        is_first = len(self._replies) == len(self._callee.replies)
        return (
            after_s is not None and is_first and self._ear.speech_ms >= after_s * 1000
        )

    def _wait(self) -> None:
        self._waited_ms += FRAME_MS
        is_first = len(self._replies) == len(self._callee.replies)
        patience_ms = (
            HELLO_AFTER_MS if is_first and not self._prompts else PROMPT_AFTER_MS
        )
        if self._waited_ms < patience_ms:
            return
        if self._prompts >= MAX_PROMPTS:
            self.is_gone = True
            return
        self._say(HELLO if is_first and not self._prompts else ARE_YOU_THERE)
        self._prompts += 1

    def _reply(self) -> None:
        self._pause_left_ms = None
        self._say(self._replies.pop(0))
        self._is_leaving = not self._replies

    def _say(self, phrase: str) -> None:
        self._speech, self._position = self._voices[phrase], 0
        self._waited_ms = 0
        self.said.append(phrase)
        self._ear.forget()

    def _next_frame(self) -> bytes:
        piece = self._speech[self._position : self._position + FRAME_BYTES]
        self._position += FRAME_BYTES
        return piece.ljust(FRAME_BYTES, b"\0")
