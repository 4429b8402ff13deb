"""The caller speaks over the assistant: it stops in time and knows what was heard."""

from __future__ import annotations

import pytest

from calls.session.events import Speaker
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_coughs, user_says
from tests.virtual_time import virtual_time

TEN_WORDS = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj"
MIN_DURATION_S = 0.3


@virtual_time
async def test_barge_in_silences_the_assistant_within_the_time_set():
    talk = script(
        user_says("Wait please", from_s=1.0, to_s=1.8), voice=Voice(word_s=0.5)
    )
    call = Conversation(talk, make_spec(TEN_WORDS))
    await call.run(hangs_up_s=3)
    # latency: silent 0.3 s after the caller began, to the frame
    assert call.link.heard[0].to_s == pytest.approx(
        1.0 + MIN_DURATION_S, abs=2 * FRAME_S
    )
    first, *_ = call.turns()
    assert first.is_interrupted
    assert first.ended_ms == pytest.approx(call.link.heard[0].to_s * 1000, abs=20)


@virtual_time
async def test_interrupted_reply_stores_what_was_heard():
    talk = script(
        user_says("Stop right there", from_s=3.0, to_s=3.8),
        answers=[answer("Fine.")],
        voice=Voice(first_audio_s=0.1, word_s=0.5),
    )
    call = Conversation(talk, make_spec(TEN_WORDS))
    await call.run(hangs_up_s=7)
    # 3.3 s minus 0.1 s of voice latency: six words and a bit
    heard = "aaaa bbbb cccc dddd eeee ffff"
    assert call.said == [
        ("assistant", heard),
        ("user", "Stop right there"),
        ("assistant", "Fine."),
    ]
    # and the model is told the same, not what it had meant to say
    last_context = call.vendors.llm.requests[-1]
    spoken = [
        item.text_content
        for item in last_context.items
        if item.type == "message" and item.role == "assistant"
    ]
    assert spoken == [heard]


@virtual_time
async def test_reply_interrupted_before_its_first_sound_leaves_no_turn():
    talk = script(
        user_says("Hello", from_s=1.0, to_s=1.5),
        user_says("are you there", from_s=1.9, to_s=2.6),
        answers=[answer("Never heard.", after_s=0.5), answer("Yes.", after_s=0.5)],
    )
    call = Conversation(talk, make_spec())
    await call.run(hangs_up_s=6)
    assert [t.text for t in call.turns(Speaker.ASSISTANT)] == ["Yes."]


@virtual_time
async def test_false_interruption_resumes_where_it_stopped():
    talk = script(user_coughs(from_s=1.0, to_s=1.5), voice=Voice(word_s=0.5))
    spec = make_spec(TEN_WORDS, turn_taking={"false_interruption_timeout": 1.0})
    call = Conversation(talk, spec)
    await call.run(hangs_up_s=9)
    [turn] = call.turns()
    assert turn.text == TEN_WORDS
    assert not turn.is_interrupted
    before, after = call.link.heard
    assert before.to_s == pytest.approx(1.0 + MIN_DURATION_S, abs=2 * FRAME_S)
    # latency: back 1.0 s after the detector saw the sound end (0.2 s after it did)
    assert after.from_s == pytest.approx(1.5 + 0.2 + 1.0, abs=2 * FRAME_S)
    heard_s = sum(sound.to_s - sound.from_s for sound in call.link.heard)
    assert heard_s == pytest.approx(5.0, abs=FRAME_S)
    assert turn.ended_ms - turn.started_ms > 6_300  # the pause is part of the turn


@virtual_time
async def test_sounds_shorter_than_the_minimum_do_not_interrupt():
    talk = script(user_coughs(from_s=1.0, to_s=1.2), voice=Voice(word_s=0.5))
    call = Conversation(talk, make_spec(TEN_WORDS))
    await call.run(hangs_up_s=6)
    [sound] = call.link.heard
    assert sound.to_s - sound.from_s == pytest.approx(5.0, abs=FRAME_S)


@virtual_time
async def test_words_below_the_minimum_do_not_interrupt():
    talk = script(user_says("Uh huh", from_s=1.0, to_s=1.9), voice=Voice(word_s=0.5))
    spec = make_spec(TEN_WORDS, turn_taking={"interruption_min_words": 3})
    call = Conversation(talk, spec)
    await call.run(hangs_up_s=6)
    [sound] = call.link.heard
    assert sound.to_s - sound.from_s == pytest.approx(5.0, abs=FRAME_S)


@virtual_time
async def test_enough_words_interrupt_as_soon_as_they_are_recognised():
    talk = script(
        user_says("no no that is wrong", from_s=1.0, to_s=2.0), voice=Voice(word_s=0.5)
    )
    spec = make_spec(TEN_WORDS, turn_taking={"interruption_min_words": 3})
    call = Conversation(talk, spec)
    await call.run(hangs_up_s=4)
    # latency: the interim transcript comes after 0.3 s and holds three words
    assert call.link.heard[0].to_s == pytest.approx(1.3, abs=3 * FRAME_S)


@virtual_time
async def test_uninterruptible_words_are_said_to_their_end():
    talk = script(
        user_says("Wait please", from_s=1.0, to_s=2.0), voice=Voice(word_s=0.5)
    )
    call = Conversation(talk, make_spec())
    await call.session.say(TEN_WORDS, interruptible=False)
    await call.run(hangs_up_s=7)
    assert call.said == [("assistant", TEN_WORDS)]
    assert call.troubles == []  # silence was given to the recogniser: it owes nothing
