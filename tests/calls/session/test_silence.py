"""A caller who says nothing is asked after, and in the end let go."""

from __future__ import annotations

from typing import Any

import pytest

from calls.session.events import EndReason, Speaker
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_coughs, user_says
from tests.virtual_time import virtual_time

VOICE = Voice(first_audio_s=0.1, word_s=0.25)  # "Are you there?" takes 0.75 s
SILENCE = {
    "messages": ["Are you there?", "Can you hear me?"],
    "final_message": "Goodbye then.",
    "first_check_seconds": 4,
    "interval_seconds": 6,
    "max_attempts": 3,
}


def silent_spec(first_message: str | None = None, **silence: Any) -> Any:
    return make_spec(
        first_message,
        autonomous_silence_handling=True,
        speech_config={"silence": SILENCE | silence},
    )


def starts(call: Conversation) -> list[float]:
    return [round(sound.from_s, 1) for sound in call.link.heard]


@virtual_time
async def test_checks_come_on_time_and_then_the_call_ends():
    call = Conversation(script(voice=VOICE), silent_spec("Hello there."))
    ended = await call.run(hangs_up_s=60)
    assert [t.text for t in call.turns()] == [
        "Hello there.",
        "Are you there?",
        "Can you hear me?",
        "Are you there?",
        "Goodbye then.",
    ]
    assert ended.reason is EndReason.CALLER_SILENT
    # 0.1-0.6 hello; 4 s later the first check, then every 6 s after its last word;
    # latency: the voice's 0.1 s
    expected = [0.1, 0.6 + 4.1]
    for said_s in (0.75, 1.0, 0.75):
        expected.append(expected[-1] + said_s + 6.1)
    assert starts(call) == pytest.approx(expected, abs=5 * FRAME_S)


@virtual_time
async def test_words_of_the_caller_begin_the_count_anew():
    talk = script(
        user_says("Yes, a moment.", from_s=13.0, to_s=14.0),
        answers=[answer("Take your time.", after_s=0.2)],
        voice=VOICE,
    )
    call = Conversation(talk, silent_spec())
    ended = await call.run(hangs_up_s=60)
    checks = [t.text for t in call.turns(Speaker.ASSISTANT)]
    assert checks == [
        "Are you there?",
        "Can you hear me?",
        "Take your time.",
        "Are you there?",
        "Can you hear me?",
        "Are you there?",
        "Goodbye then.",
    ]
    assert ended.reason is EndReason.CALLER_SILENT
    # after the answer it is the first check's time that counts again
    answered, again = call.turns(Speaker.ASSISTANT)[2:4]
    gap_ms = again.started_ms - answered.ended_ms
    assert gap_ms == pytest.approx(4_100, abs=80)


@virtual_time
async def test_a_cough_holds_the_clock_and_does_not_reset_it():
    talk = script(user_coughs(from_s=6.0, to_s=6.5), voice=VOICE)
    call = Conversation(talk, silent_spec(max_attempts=1))
    ended = await call.run(hangs_up_s=60)
    assert [t.text for t in call.turns()] == ["Are you there?", "Goodbye then."]
    assert ended.reason is EndReason.CALLER_SILENT
    # the interval counts from the end of the cough: 6.5 + 6, and the voice
    assert starts(call)[-1] == pytest.approx(12.6, abs=0.35)


@virtual_time
async def test_without_sentences_the_model_finds_words():
    talk = script(
        answers=[answer("Hello, anyone?"), answer("Still there?")], voice=VOICE
    )
    spec = silent_spec(messages=[], max_attempts=2, final_message=None)
    call = Conversation(talk, spec)
    ended = await call.run(hangs_up_s=60)
    assert [t.text for t in call.turns()] == ["Hello, anyone?", "Still there?"]
    assert ended.reason is EndReason.CALLER_SILENT


@virtual_time
async def test_nobody_is_hung_up_on_unless_it_is_switched_on():
    spec = make_spec(speech_config={"silence": SILENCE})
    call = Conversation(script(voice=VOICE), spec)
    ended = await call.run(hangs_up_s=120)
    assert call.turns() == []
    assert ended.reason is EndReason.USER_HANGUP


@virtual_time
async def test_it_lets_the_model_end_the_call():
    talk = script(
        user_says("Goodbye.", from_s=1.0, to_s=1.5),
        answers=[answer("Goodbye to you.", calls="end_call")],
        voice=VOICE,
    )
    call = Conversation(talk, silent_spec())
    ended = await call.run(hangs_up_s=60)
    assert ended.reason is EndReason.ASSISTANT_HANGUP
