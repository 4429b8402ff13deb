"""Callees alone: what they say and when, 20 ms at a time, with no clock at all."""

from __future__ import annotations

import numpy as np
import pytest

from calls.media.frames import FRAME_BYTES
from calls.media.link import FRAME_MS
from calls.telephony.protocol import NoAnswerOutcome
from calls.telephony.simulator.behaviour import BEEP, CalleeBehaviour
from calls.telephony.simulator.callees import (
    ARE_YOU_THERE,
    HELLO,
    VOICEMAIL_GREETING,
    callee_at,
)
from calls.telephony.simulator.hearing import Ear, is_loud

SPEECH = (3_000 * np.sin(np.arange(FRAME_BYTES // 2) * 0.2)).astype(np.int16).tobytes()
SECOND = 1_000 // FRAME_MS


def behaviour_of(number: str) -> CalleeBehaviour:
    callee = callee_at(number)
    # Each phrase lasts one second; one byte short of a frame, as real audio may be.
    voices = dict.fromkeys((*callee.phrases, BEEP), SPEECH * SECOND)
    return CalleeBehaviour(callee, voices)


def live(behaviour: CalleeBehaviour, heard: bytes | None, seconds: float) -> int:
    """Let time pass; return how many frames the callee spoke."""
    spoken = 0
    for _ in range(round(seconds * SECOND)):
        if behaviour.is_gone:
            break
        spoken += behaviour.tick(heard) is not None
    return spoken


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("02", NoAnswerOutcome.BUSY),
        ("03", NoAnswerOutcome.NO_ANSWER),
        ("06", NoAnswerOutcome.REJECTED),
        ("07", NoAnswerOutcome.FAILED),
    ],
)
def test_the_last_digits_decide_who_refuses(
    ending: str, outcome: NoAnswerOutcome
) -> None:
    assert callee_at(f"+312012345{ending}").refusal == outcome


def test_a_number_always_has_the_same_callee() -> None:
    numbers = [f"+3120555{n:04d}" for n in range(200)]
    assert [callee_at(n) for n in numbers] == [callee_at(n) for n in numbers]
    others = {callee_at(n) for n in numbers if n[-2] != "0"}
    assert len(others) > 50
    assert all(1.0 <= callee.ring_s <= 3.0 and callee.replies for callee in others)


def test_a_person_waits_for_the_assistant_to_finish() -> None:
    callee = behaviour_of("+31201234501")
    assert live(callee, SPEECH, 2.0) == 0
    assert live(callee, None, 0.5) == 0  # a pause between sentences
    assert live(callee, SPEECH, 1.0) == 0
    assert live(callee, None, 3.0) == SECOND
    assert callee.said == ["Yes, this is he."]


def test_a_person_says_everything_and_then_hangs_up() -> None:
    callee = behaviour_of("+31201234501")
    for _ in range(3):
        live(callee, SPEECH, 1.0)
        live(callee, None, 2.4)
    assert callee.said == [
        "Yes, this is he.",
        "Yes, that sounds good.",
        "Thank you, goodbye.",
    ]
    assert not callee.is_gone
    live(callee, SPEECH, 1.0)  # "Goodbye!"
    live(callee, None, 1.0)
    assert callee.is_gone


def test_a_person_hangs_up_after_goodbye_when_nothing_is_said() -> None:
    callee = behaviour_of("+31201234509")
    for _ in range(2):
        live(callee, SPEECH, 2.0)
        live(callee, None, 2.4)
    assert callee.said[-1] == "No thank you, goodbye."
    live(callee, None, 3.0)
    assert callee.is_gone


def test_a_person_who_hears_nothing_asks_twice_and_leaves() -> None:
    callee = behaviour_of("+31201234501")
    live(callee, None, 3.5)
    assert callee.said == [HELLO]
    live(callee, None, 9.0)
    assert callee.said == [HELLO, ARE_YOU_THERE]
    live(callee, None, 10.0)
    assert callee.is_gone


def test_an_interrupter_speaks_while_the_assistant_speaks() -> None:
    callee = behaviour_of("+31201234509")
    assert live(callee, SPEECH, 1.2) == 0
    assert live(callee, SPEECH, 1.2) == SECOND
    assert callee.said == ["Wait, who is this?"]


def test_a_voicemail_greets_beeps_listens_and_stops() -> None:
    callee = behaviour_of("+31201234504")
    assert live(callee, None, 5.0) == 2 * SECOND  # greeting and beep
    assert callee.said == [VOICEMAIL_GREETING]
    live(callee, SPEECH, 24.9)
    assert not callee.is_gone
    live(callee, None, 0.2)
    assert callee.is_gone


def test_one_who_hangs_up_early_says_nothing() -> None:
    callee = behaviour_of("+31201234505")
    assert live(callee, SPEECH, 3.9) == 0
    assert not callee.is_gone
    live(callee, SPEECH, 0.2)
    assert callee.is_gone


def test_a_silent_one_stays_for_minutes() -> None:
    callee = behaviour_of("+31201234508")
    assert live(callee, None, 300) == 0
    assert not callee.is_gone


def test_every_frame_is_a_whole_frame() -> None:
    callee = callee_at("+31201234504")
    voices = dict.fromkeys((*callee.phrases, BEEP), SPEECH + SPEECH[:100])
    behaviour = CalleeBehaviour(callee, voices)
    frames = [behaviour.tick(None) for _ in range(4)]
    assert {len(frame) for frame in frames if frame} == {FRAME_BYTES}


def test_a_click_is_not_an_utterance() -> None:
    ear = Ear()
    for _ in range(9):
        ear.hear(SPEECH)
    for _ in range(100):
        ear.hear(None)
    assert not ear.has_finished
    assert not is_loud(bytes(FRAME_BYTES))
