"""The words heard by a moment, from whatever is known of a passage."""

from __future__ import annotations

import pytest

from calls.session.events import Speaker
from calls.session.heard import Passage
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_says
from tests.fakes.tts import FakeTTS
from tests.virtual_time import virtual_time

FOUR_WORDS = "aaaa bbbb cccc dddd"  # 19 characters


@pytest.mark.parametrize(
    ("position_s", "heard"),
    [
        (0.0, ""),
        (0.15, ""),
        (0.3, "aaaa"),
        (1.0, "aaaa bbbb"),
        (1.9, "aaaa bbbb cccc dddd"),
        (9.0, "aaaa bbbb cccc dddd"),
    ],
)
def test_a_whole_passage_is_divided_by_its_length(position_s, heard):
    passage = Passage(text=FOUR_WORDS, made_s=1.9, is_made=True)
    assert passage.heard_until(position_s, pace=1.0) == heard


@pytest.mark.parametrize(("position_s", "heard"), [(0.5, "aaaa bbbb"), (0.05, "")])
def test_a_passage_still_being_made_goes_by_the_pace(position_s, heard):
    passage = Passage(text=FOUR_WORDS, made_s=5.0)
    assert passage.heard_until(position_s, pace=18.0) == heard


def test_sentences_whose_beginning_is_known_are_kept_apart():
    # the second sentence begins at 4 s, whatever the characters say
    passage = Passage(
        text="aaaa bbbb. cccc dddd.", made_s=5.0, is_made=True, anchors=[(4.0, 11)]
    )
    assert passage.heard_until(3.9, pace=14.0) == "aaaa bbbb."
    assert passage.heard_until(4.3, pace=14.0) == "aaaa bbbb. cccc"


def test_a_passage_without_sound_was_not_heard():
    assert Passage(text="aaaa").heard_until(0.0, pace=14.0) == ""


@virtual_time
async def test_pace_is_learned_from_what_was_said_before():
    slow = Voice(word_s=1.0)  # 5 characters a second instead of 14
    talk = script(
        user_says("go on then", from_s=6.0, to_s=7.0),
        user_says("stop it now", from_s=9.9, to_s=10.9),
        answers=[answer(" ".join(["eeee"] * 30)), answer("Fine.")],
        voice=slow,
    )
    call = Conversation(talk, make_spec(FOUR_WORDS))
    await call.run(hangs_up_s=13)
    reply = call.turns(Speaker.ASSISTANT)[1]
    heard_s = (reply.ended_ms - reply.started_ms) / 1000
    assert reply.is_interrupted
    # thirty seconds of audio are more than the link takes ahead: it is still being made
    assert len(reply.text.split()) == pytest.approx(heard_s, abs=1)


@virtual_time
async def test_a_voice_that_takes_whole_sentences_is_given_them():
    talk = script(
        user_says("go on", from_s=1.0, to_s=2.0),
        answers=[answer("First this happened to me. Then that happened to you.")],
    )
    call = Conversation(talk)
    call.vendors.tts = FakeTTS(talk, is_streaming=False)
    await call.run(hangs_up_s=8)
    assert call.vendors.tts.sentences == [
        "First this happened to me.",
        "Then that happened to you.",
    ]
    reply = call.turns(Speaker.ASSISTANT)[0]
    assert reply.text == "First this happened to me. Then that happened to you."
    timing = reply.timing
    assert timing is not None
    # latency: transcript 0.1 and model 0.2 within the silence of 0.4, then the voice
    assert timing.response_ms == pytest.approx(500, abs=1000 * FRAME_S * 3)
