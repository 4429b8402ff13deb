"""Who answers at which number: the table of simulated callees.

The last two digits decide; a number always behaves the same.

    ..01  answers, talks, wants to hear more, says goodbye and hangs up
    ..02  is busy
    ..03  rings out
    ..04  voicemail: a greeting and a beep, then it listens
    ..05  answers and hangs up after 4 s without a word
    ..06  rejects the call after one ring
    ..07  the network fails at once
    ..08  answers and never says anything
    ..09  talks over the assistant, then is not interested
    else  answers and talks; what is said and how long it rings follow from the number
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from calls.telephony.protocol import NoAnswerOutcome

VOICEMAIL_GREETING: Final = (
    "You have reached my voicemail. Please leave a message after the beep."
)
ARE_YOU_THERE: Final = "Hello? Are you still there?"
HELLO: Final = "Hello?"

_SCRIPTS: Final[tuple[tuple[str, ...], ...]] = (
    ("Yes, this is he.", "Yes, that sounds good.", "Thank you, goodbye."),
    ("Yes, speaking.", "No thank you, goodbye."),
    ("Yes, that is me.", "Can you tell me more?", "No thank you, goodbye."),
    ("Hello, yes.", "Yes please.", "That is all, thank you. Goodbye."),
)


@dataclass(frozen=True)
class Callee:
    """One simulated person or machine. Times are seconds.

    `replies` are said in order, each after the assistant has finished speaking; after
    the last one the callee hangs up. `listens_s` bounds the whole call.
    """

    ring_s: float
    refusal: NoAnswerOutcome | None = None
    detail: str = ""
    greeting: str = ""
    beeps: bool = False
    replies: tuple[str, ...] = ()
    interrupts_after_s: float | None = None
    hangs_up_after_s: float | None = None
    is_silent: bool = False
    listens_s: float = 600.0

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything this callee may say."""
        prompts = (HELLO, ARE_YOU_THERE) if self.replies else ()
        return tuple(p for p in (self.greeting, *self.replies, *prompts) if p)


def _refuses(outcome: NoAnswerOutcome, ring_s: float, detail: str) -> Callee:
    return Callee(ring_s=ring_s, refusal=outcome, detail=detail)


_BY_ENDING: Final[dict[str, Callee]] = {
    "01": Callee(ring_s=1.5, replies=_SCRIPTS[0]),
    "02": _refuses(NoAnswerOutcome.BUSY, 0.5, "The line is busy."),
    "03": _refuses(NoAnswerOutcome.NO_ANSWER, 6.0, "Nobody answered."),
    "04": Callee(ring_s=2.5, greeting=VOICEMAIL_GREETING, beeps=True, listens_s=30.0),
    "05": Callee(ring_s=1.0, is_silent=True, hangs_up_after_s=4.0),
    "06": _refuses(NoAnswerOutcome.REJECTED, 1.0, "The call was rejected."),
    "07": _refuses(NoAnswerOutcome.FAILED, 0.0, "The network is unreachable."),
    "08": Callee(ring_s=1.5, is_silent=True),
    "09": Callee(
        ring_s=1.0,
        replies=("Wait, who is this?", "No thank you, goodbye."),
        interrupts_after_s=1.2,
    ),
}


def callee_at(number: str) -> Callee:
    """Return who answers at `number`, always the same one."""
    known = _BY_ENDING.get(number[-2:])
    if known is not None:
        return known
    seed = hashlib.sha256(number.encode()).digest()
    return Callee(
        ring_s=1.0 + seed[0] / 255 * 2.0, replies=_SCRIPTS[seed[1] % len(_SCRIPTS)]
    )
