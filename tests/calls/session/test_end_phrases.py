"""A phrase the assistant says ends the call once it was heard to its end."""

from __future__ import annotations

import pytest

from assistants.spec import AssistantSpec
from assistants.speech_shapes import SpeechConfig
from calls.session.events import EndReason
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_says
from tests.virtual_time import virtual_time


def phrase_spec(*phrases: str) -> AssistantSpec:
    return make_spec(speech_config={"end_call_phrases": phrases})


@virtual_time
async def test_it_ends_after_the_words_and_says_no_more():
    talk = script(
        user_says("That is all.", from_s=1.0, to_s=1.5),
        answers=[answer("Then have a NICE day, goodbye!")],
    )
    call = Conversation(talk, phrase_spec("nice  day"))
    ended = await call.run(hangs_up_s=30)
    assert ended.reason is EndReason.ASSISTANT_HANGUP
    assert call.said[-1] == ("assistant", "Then have a NICE day, goodbye!")
    assert ended.at_ms - call.turns()[-1].ended_ms < 500


@virtual_time
async def test_the_caller_may_say_it_and_so_may_an_interrupted_assistant():
    talk = script(
        user_says("Have a nice day.", from_s=1.0, to_s=1.8),
        user_says("Wait, one more thing.", from_s=4.2, to_s=5.4),
        answers=[answer("Before the nice day ends tell me all"), answer("Yes?")],
        voice=Voice(word_s=0.5),
    )
    call = Conversation(talk, phrase_spec("nice day ends tell me"))
    ended = await call.run(hangs_up_s=9)
    assert ended.reason is EndReason.USER_HANGUP


@virtual_time
async def test_a_part_of_a_word_is_no_phrase():
    talk = script(
        user_says("Hello?", from_s=1.0, to_s=1.5), answers=[answer("Yesterday byes.")]
    )
    call = Conversation(talk, phrase_spec("bye", "day by"))
    ended = await call.run(hangs_up_s=6)
    assert ended.reason is EndReason.USER_HANGUP


@pytest.mark.parametrize("phrases", [["!"], ["a"], ["x" * 101], ["ok"] * 6])
def test_phrases_nobody_could_say_are_refused(phrases):
    with pytest.raises(ValueError, match="end_call_phrases"):
        SpeechConfig.model_validate({"end_call_phrases": phrases})
