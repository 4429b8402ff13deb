"""A session counts what its own vendors did, and nobody else's."""

from __future__ import annotations

import asyncio

from livekit.agents import APIConnectionError

from calls.session.events import Usage
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import Failure, answer, script, user_says
from tests.virtual_time import virtual_time


def chatty() -> Conversation:
    talk = script(
        user_says("Tell me more", from_s=2.0, to_s=3.0),
        answers=[answer("one two three")],
    )
    return Conversation(talk, make_spec("Hello."))


def silent() -> Conversation:
    return Conversation(script(), make_spec("Hi."))


@virtual_time
async def test_usage_adds_up():
    ended = await chatty().run(hangs_up_s=6)
    assert ended.usage == Usage(
        llm_input_tokens=10,
        llm_output_tokens=3,
        tts_characters=len("Hello.") + len("one two three"),
        stt_audio_ms=3_020,  # up to the first silent frame after the words
    )


@virtual_time
async def test_usage_of_two_sessions_at_once_does_not_mix():
    first, second = await asyncio.gather(
        chatty().run(hangs_up_s=6), silent().run(hangs_up_s=6)
    )
    assert first.usage.llm_output_tokens == 3
    assert first.usage.tts_characters == len("Hello.") + len("one two three")
    assert second.usage == Usage(tts_characters=len("Hi."))


@virtual_time
async def test_an_interrupted_reply_is_paid_for_in_full():
    story = " ".join(["word"] * 100)
    talk = script(
        user_says("Tell me a story", from_s=1.0, to_s=2.0),
        user_says("Stop it now", from_s=4.0, to_s=5.0),
        answers=[answer(story), answer("Fine.")],
    )
    ended = await Conversation(talk).run(hangs_up_s=8)
    assert ended.usage.tts_characters == len(story) + len("Fine.")


@virtual_time
async def test_a_voice_that_failed_is_not_paid_for():
    call = chatty()
    call.vendors.script.tts_fails.append(Failure(APIConnectionError("reset")))
    ended = await call.run(hangs_up_s=6)
    assert ended.usage.tts_characters == len("Hello.") + len("one two three")
