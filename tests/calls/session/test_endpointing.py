"""How long a silence must last to end the caller's turn: both limits are kept."""

from __future__ import annotations

import pytest

from calls.session.events import Speaker
from calls.session.unfinished import sounds_unfinished
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_says
from tests.virtual_time import virtual_time

QUICK = Voice(first_audio_s=0.1)


async def wait_for_answer(words: str, **turn_taking: float) -> float:
    """Seconds from the caller's last sound to the first of the answer."""
    talk = script(
        user_says(words, from_s=1.0, to_s=2.0),
        answers=[answer("Fine.", after_s=0.1)],
        voice=QUICK,
    )
    call = Conversation(talk, make_spec(turn_taking=turn_taking))
    await call.run(hangs_up_s=9)
    return call.link.heard[0].from_s - 2.0


@pytest.mark.parametrize("seconds", [0.3, 0.8, 2.0])
def test_a_whole_sentence_is_answered_after_the_shorter_delay(seconds):
    @virtual_time
    async def waited() -> float:
        return await wait_for_answer("That is all.", endpointing_min_delay=seconds)

    assert waited() == pytest.approx(max(seconds, 0.2) + 0.1, abs=4 * FRAME_S)


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_an_open_sentence_is_given_the_longer_delay(seconds):
    @virtual_time
    async def waited() -> float:
        return await wait_for_answer(
            "I would like to order and",
            endpointing_min_delay=0.4,
            endpointing_max_delay=seconds,
        )

    assert waited() == pytest.approx(seconds + 0.1, abs=4 * FRAME_S)


@virtual_time
async def test_who_goes_on_within_the_longer_delay_is_answered_once():
    talk = script(
        user_says("I would like to order and", from_s=1.0, to_s=2.0),
        user_says("to have it delivered.", from_s=3.0, to_s=4.0),
        answers=[answer("Too early.")] * 1 + [answer("Gladly.")],
        voice=QUICK,
    )
    call = Conversation(talk, make_spec(turn_taking={"endpointing_max_delay": 2.5}))
    await call.run(hangs_up_s=8)
    [turn] = call.turns(Speaker.USER)
    assert turn.text == "I would like to order and to have it delivered."
    assert len(call.turns(Speaker.ASSISTANT)) == 1


@virtual_time
async def test_the_longer_wait_is_told_as_endpointing():
    talk = script(
        user_says("my number is, um", from_s=1.0, to_s=2.0),
        answers=[answer("Yes?", after_s=0.1)],
        voice=QUICK,
    )
    call = Conversation(talk, make_spec(turn_taking={"endpointing_max_delay": 1.5}))
    await call.run(hangs_up_s=6)
    timing = call.turns(Speaker.ASSISTANT)[0].timing
    assert timing.endpointing_ms == pytest.approx(1_500, abs=60)
    assert timing.stt_ms <= 40


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("and", "en", False),  # an answer of one word
        ("I want to go on", "en", False),
        ("please log in.", "en", False),
        ("my number is 12,", "sw", True),
        ("ik wil graag een", "nl-NL", True),
        ("ich möchte und", "de", True),
        ("ich möchte und", "sw", False),
        ("", "en", False),
    ],
)
def test_what_sounds_unfinished(text, language, expected):
    assert sounds_unfinished(text, language) is expected
