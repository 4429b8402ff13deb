"""Words and context from outside, at any moment."""

from __future__ import annotations

import pytest

from calls.session.events import EndReason, Speaker
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.script import Voice, answer, script, user_says
from tests.virtual_time import virtual_time


def context_of(call: Conversation, request: int = -1) -> list[tuple[str, str]]:
    """What the model was given, as (role, text)."""
    return [
        (item.role, item.text_content or "")
        for item in call.vendors.llm.requests[request].items
        if item.type == "message"
    ]


@virtual_time
async def test_say_speaks_at_once_when_nobody_does():
    call = Conversation(script())
    running = call.start()
    await call.at(2.0)
    await call.session.say("Are you there?")
    await call.at(4.0)
    call.link.hang_up()
    await running
    assert call.said == [("assistant", "Are you there?")]
    # latency: the voice's own
    assert call.link.heard[0].from_s == pytest.approx(2.1, abs=2 * FRAME_S)


@virtual_time
async def test_say_waits_for_what_is_being_said():
    call = Conversation(
        script(voice=Voice(word_s=0.5)), make_spec("one two three four")
    )
    running = call.start()
    await call.at(1.0)
    await call.session.say("five")
    await running_until(call, 4.0)
    await running
    assert [t.text for t in call.turns()] == ["one two three four", "five"]
    assert not call.turns()[0].is_interrupted


@virtual_time
async def test_say_before_start_follows_the_first_message():
    call = Conversation(script(), make_spec("Hello."))
    await call.session.say("This call is recorded.")
    await call.run(hangs_up_s=4)
    assert [t.text for t in call.turns()] == ["Hello.", "This call is recorded."]


@virtual_time
async def test_say_and_end_after_hangs_up_when_it_was_said():
    call = Conversation(script())
    running = call.start()
    await call.at(1.0)
    await call.session.say("That was all.", end_after=True)
    ended = await running
    assert ended.reason == EndReason.ASSISTANT_HANGUP
    assert call.said == [("assistant", "That was all.")]
    # latency: voice 0.1 s, three words 0.75 s, tail 0.3 s
    assert ended.at_ms == pytest.approx(1_000 + 100 + 750 + 300, abs=60)


@virtual_time
async def test_empty_words_are_nothing():
    call = Conversation(script())
    running = call.start()
    await call.at(1.0)
    await call.session.say("  ")
    await running_until(call, 2.0)
    await running
    assert call.said == []


@virtual_time
async def test_injected_context_reaches_the_next_answer():
    talk = script(user_says("What is my code?", from_s=2.0, to_s=3.0))
    call = Conversation(talk)
    running = call.start()
    await call.at(1.0)
    await call.session.inject("The code is 4711.", respond=False)
    await running_until(call, 5.0)
    await running
    assert ("system", "The code is 4711.") in context_of(call)
    assert call.turns()[0].speaker == Speaker.USER


@virtual_time
async def test_injected_context_may_be_answered_at_once():
    talk = script(answers=[answer("Your code is 4711.", after_s=0.3)])
    call = Conversation(talk)
    running = call.start()
    await call.at(1.0)
    await call.session.inject("The code is 4711.", respond=True)
    await running_until(call, 4.0)
    await running
    assert call.said == [("assistant", "Your code is 4711.")]
    # latency: model 0.3 s and voice 0.1 s
    assert call.link.heard[0].from_s == pytest.approx(1.4, abs=2 * FRAME_S)


@virtual_time
async def test_context_injected_before_start_is_known_from_the_first_answer():
    talk = script(user_says("Hello", from_s=1.0, to_s=1.5))
    call = Conversation(talk, instructions_suffix="The caller is Bob.")
    await call.session.inject("Bob is a regular.", respond=False)
    await call.run(hangs_up_s=4)
    context = context_of(call, 0)
    assert ("system", "You are Ann.\n\nThe caller is Bob.") in context
    assert ("system", "Bob is a regular.") in context


async def running_until(call: Conversation, at_s: float) -> None:
    await call.at(at_s)
    call.link.hang_up()
