"""The assistant speaks first, listens, and answers in time."""

from __future__ import annotations

import pytest

from calls.session.events import (
    EndReason,
    Speaker,
    TurnTiming,
)
from tests.calls.session.conversation import (
    ENDPOINTING_S,
    FRAME_S,
    Conversation,
    make_spec,
)
from tests.fakes.script import Voice, answer, script, user_says
from tests.virtual_time import virtual_time


@virtual_time
async def test_assistant_speaks_first_within_the_time_its_voice_takes():
    call = Conversation(script(), make_spec("Hello there."))
    await call.run(hangs_up_s=2)
    [turn] = call.turns()
    assert (turn.speaker, turn.text) == (Speaker.ASSISTANT, "Hello there.")
    [sound] = call.link.heard
    # latency: the voice's first audio, and at most one frame to get on the wire
    assert sound.from_s == pytest.approx(0.1, abs=FRAME_S)
    assert sound.to_s - sound.from_s == pytest.approx(0.5, abs=FRAME_S)
    assert turn.started_ms == round(sound.from_s * 1000)
    assert turn.ended_ms == pytest.approx(sound.to_s * 1000, abs=20)


@virtual_time
async def test_opening_replaces_the_first_message():
    call = Conversation(script(), make_spec("Hello."), opening="Good evening.")
    await call.run(hangs_up_s=2)
    assert call.said == [("assistant", "Good evening.")]


@virtual_time
async def test_assistant_without_a_first_message_waits():
    call = Conversation(script())
    ended = await call.run(hangs_up_s=5)
    assert call.link.heard == []
    assert call.turns() == []
    assert (ended.reason, ended.at_ms) == (EndReason.USER_HANGUP, 5_000)


@virtual_time
async def test_answer_comes_as_fast_as_the_vendors_allow():
    talk = script(
        user_says("What time is it?", from_s=1.0, to_s=2.0),
        answers=[answer("It is noon.", after_s=0.5)],
        voice=Voice(first_audio_s=0.15),
    )
    call = Conversation(talk)
    await call.run(hangs_up_s=6)
    assert call.said == [("user", "What time is it?"), ("assistant", "It is noon.")]
    question, reply = call.turns()
    assert question.started_ms == pytest.approx(1_000, abs=20)
    assert question.ended_ms == pytest.approx(2_000, abs=20)
    timing = reply.timing
    assert timing is not None
    # latency: the transcript starts the model before the silence is over, so the
    # caller waits for transcript (0.1) + model (0.5) + voice (0.15), not for more
    assert timing.response_ms == pytest.approx(750, abs=45)
    assert reply.started_ms - question.ended_ms == timing.response_ms
    assert timing.endpointing_ms == pytest.approx(ENDPOINTING_S * 1000, abs=5)
    assert timing.stt_ms == 0
    assert timing.llm_ms == pytest.approx(200, abs=25)
    assert timing.tts_ms == pytest.approx(150, abs=5)
    assert timing.transport_ms <= 20


@virtual_time
async def test_parts_of_the_wait_add_up_and_a_late_transcript_is_told_apart():
    talk = script(
        user_says("Hello?", from_s=1.0, to_s=1.5),
        answers=[answer("Hi.", after_s=0.3)],
    )
    talk.hearing = type(talk.hearing)(final_after_s=0.9)
    call = Conversation(talk)
    await call.run(hangs_up_s=6)
    timing = call.turns(Speaker.ASSISTANT)[0].timing
    assert timing is not None
    parts = (
        timing.endpointing_ms
        + timing.stt_ms
        + timing.llm_ms
        + timing.tts_ms
        + timing.transport_ms
    )
    assert parts == timing.response_ms
    assert timing.stt_ms == pytest.approx(500, abs=25)
    # latency: a late transcript costs its own lateness and nothing on top
    assert timing.response_ms == pytest.approx(900 + 300 + 100, abs=45)


@virtual_time
async def test_first_message_has_no_timing():
    call = Conversation(script(), make_spec("Hello."))
    await call.run(hangs_up_s=2)
    assert call.turns()[0].timing is None


@virtual_time
async def test_captions_keep_step_with_both_sides():
    talk = script(
        user_says("one two three four", from_s=3.0, to_s=4.0),
        voice=Voice(word_s=0.5),
    )
    call = Conversation(talk, make_spec("aaaa bbbb cccc dddd"))
    await call.run(hangs_up_s=4.3)
    assistant = call.captions(Speaker.ASSISTANT)
    assert [c.text for c in assistant if not c.is_final] == [
        "aaaa",
        "aaaa bbbb",
        "aaaa bbbb cccc",
        "aaaa bbbb cccc dddd",
    ]
    assert assistant[-1].is_final
    begins_ms = call.link.heard[0].from_s * 1000
    for index, caption in enumerate(c for c in assistant if not c.is_final):
        # latency: a word is shown within 0.3 s of being spoken
        assert caption.at_ms - begins_ms == pytest.approx(index * 500 + 250, abs=300)
    user = call.captions(Speaker.USER)
    assert [(c.text, c.is_final) for c in user] == [
        ("one two", False),
        ("one two three four", True),
    ]


def test_timing_parts_are_never_negative():
    timing = TurnTiming(response_ms=0)
    assert timing.endpointing_ms == 0
