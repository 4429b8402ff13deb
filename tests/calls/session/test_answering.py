"""Person or machine: each piece of evidence, alone and with others; never on one weak word."""

from __future__ import annotations

import numpy as np
import pytest

from calls.session.answering import AnswerEar, AnsweredBy
from calls.telephony.simulator.speech import beep, render

RATE_HZ = 16_000
FRAME = RATE_HZ // 50
RNG = np.random.default_rng(7)


def speech(duration_ms: int) -> bytes:
    """Noise shaped as syllables: loud, and nothing like a tone."""
    samples = RNG.normal(0, 3_000, RATE_HZ * duration_ms // 1000)
    return samples.clip(-30_000, 30_000).astype(np.int16).tobytes()


def silence(duration_ms: int) -> bytes:
    return bytes(RATE_HZ * duration_ms // 1000 * 2)


def tone(hz: float, duration_ms: int) -> bytes:
    times = np.arange(RATE_HZ * duration_ms // 1000) / RATE_HZ
    return (6_000 * np.sin(2 * np.pi * hz * times)).astype(np.int16).tobytes()


def play(ear: AnswerEar, *sounds: bytes) -> None:
    audio = b"".join(sounds)
    for start in range(0, len(audio) - FRAME * 2 + 1, FRAME * 2):
        ear.hear(audio[start : start + FRAME * 2], RATE_HZ)


def test_a_short_hello_is_a_person() -> None:
    ear = AnswerEar("en")
    play(ear, silence(400), speech(900), silence(800))
    assert ear.verdict is None  # the words are not there yet
    verdict = ear.understand("hello this is ann")
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.PERSON, ("hello",))
    assert verdict.greeting_ms == pytest.approx(900, abs=40)


def test_certain_words_are_a_machine_at_once() -> None:
    ear = AnswerEar("en")
    play(ear, speech(2_500), silence(300))
    verdict = ear.understand("please leave a message after the tone")
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.MACHINE, ("words",))


@pytest.mark.parametrize(
    "text",
    [
        "hi did you get my message",
        "i am not here for long",
        "ik ben niet beschikbaar vandaag",
        "that was a loud beep",
    ],
)
def test_a_doubtful_word_alone_hangs_up_on_nobody(text: str) -> None:
    ear = AnswerEar("nl")
    play(ear, speech(1_800), silence(800))
    verdict = ear.understand(text)
    assert verdict is not None
    assert verdict.by is AnsweredBy.UNSURE


def test_a_doubtful_word_in_a_long_greeting_is_a_machine() -> None:
    ear = AnswerEar("en")
    play(ear, speech(6_500), silence(400))
    verdict = ear.understand("we are not available right now")
    assert verdict is not None
    assert verdict.by is AnsweredBy.MACHINE
    assert verdict.evidence == ("words", "length")


def test_a_long_greeting_alone_is_not_sure() -> None:
    ear = AnswerEar("en")
    play(ear, speech(7_000), silence(800))
    verdict = ear.understand("good morning you are speaking with the reception of")
    assert verdict is not None
    assert (verdict.by, verdict.evidence) == (AnsweredBy.UNSURE, ("length",))


@pytest.mark.parametrize("hz", [425.0, 1_000.0, 1_400.0, 2_000.0])
def test_a_beep_is_a_machine_without_a_word(hz: float) -> None:
    ear = AnswerEar("en")
    play(ear, speech(3_000), silence(200), tone(hz, 400))
    assert not ear.is_our_turn
    play(ear, silence(250))
    assert ear.verdict is not None
    assert (ear.verdict.by, ear.verdict.evidence) == (AnsweredBy.MACHINE, ("beep",))
    assert ear.is_our_turn


def test_real_voices_are_no_beep() -> None:
    for text in ("Hello, who is this?", "Mmmmm. Ooooh. No, no, no.", "Yes, speaking."):
        ear = AnswerEar("en")
        play(ear, render(text))
        assert not ear.has_beeped, text


def test_the_simulated_voicemail_is_told_by_its_beep() -> None:
    ear = AnswerEar("en")
    play(ear, render("You have reached my voicemail."), beep(), silence(300))
    assert ear.has_beeped
    assert ear.is_our_turn


def test_a_machine_without_a_beep_is_waited_for_until_it_is_still() -> None:
    ear = AnswerEar("en")
    play(ear, speech(3_000), silence(1_000))
    ear.understand("this is the voicemail of ann")
    assert not ear.is_our_turn
    play(ear, silence(1_600))
    assert ear.is_our_turn


def test_nobody_saying_anything_is_not_sure() -> None:
    ear = AnswerEar("en")
    play(ear, silence(9_100))
    assert ear.verdict is not None
    assert (ear.verdict.by, ear.verdict.evidence) == (AnsweredBy.UNSURE, ("silence",))


def test_the_first_verdict_stays() -> None:
    ear = AnswerEar("en")
    play(ear, speech(900), silence(800))
    ear.understand("hello")
    play(ear, tone(1_000, 400))
    assert ear.verdict is not None
    assert ear.verdict.by is AnsweredBy.PERSON
