"""A vendor fails in the middle of a call: the next in its list answers the same turn."""

from __future__ import annotations

import pytest
from livekit.agents import APIConnectionError, APIStatusError

from calls.session.events import EndReason, Speaker, VendorReplaced
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.llm import FakeLLM
from tests.fakes.script import Failure, Voice, answer, script, user_says
from tests.fakes.stt import FakeSTT
from tests.fakes.tts import FakeTTS
from tests.virtual_time import virtual_time

QUICK = Voice(first_audio_s=0.1)
REFUSED = APIStatusError("no", status_code=401)
ASKED = user_says("What time is it?", from_s=1.0, to_s=2.0)


def replaced(call: Conversation) -> list[tuple[str, str, str]]:
    return [(e.stage, e.provider, e.stand_in) for e in call.of(VendorReplaced)]


@pytest.mark.parametrize(
    ("failure", "within_s"),
    [
        (Failure(REFUSED), 0.8),
        (Failure(APIConnectionError()), 0.8),
        (Failure(), 4.8),  # it hangs: 4 s are waited, not 8
    ],
)
def test_another_model_answers_the_same_turn(failure, within_s):
    @virtual_time
    async def talk() -> None:
        first = script(ASKED, answers=[answer("Never heard.")], voice=QUICK)
        first.answers[0] = type(first.answers[0])(fails=failure)
        second = script(ASKED, answers=[answer("It is noon.")], voice=QUICK)
        call = Conversation(first)
        call.vendors.stand_ins["llm"] = [("other-llm", FakeLLM(second))]
        ended = await call.run(hangs_up_s=12)
        assert ended.reason is EndReason.USER_HANGUP
        assert [t.text for t in call.turns(Speaker.ASSISTANT)] == ["It is noon."]
        assert replaced(call) == [("llm", "fake-llm", "other-llm")]
        assert [trouble.is_fatal for trouble in call.troubles] == [False]
        # latency: the silence of 0.4, the wait for the first, then model and voice
        assert call.link.heard[0].from_s - 2.0 <= within_s

    talk()


@virtual_time
async def test_another_voice_says_the_same_words():
    talk = script(ASKED, answers=[answer("It is noon.")], voice=QUICK)
    talk.tts_fails = [Failure(REFUSED)]
    call = Conversation(talk)
    other = FakeTTS(script(voice=QUICK))
    call.vendors.stand_ins["tts"] = [("other-tts", other)]
    await call.run(hangs_up_s=8)
    assert [t.text for t in call.turns(Speaker.ASSISTANT)] == ["It is noon."]
    assert other.texts == ["It is noon."]
    assert replaced(call) == [("tts", "fake-tts", "other-tts")]


@virtual_time
async def test_a_voice_that_breaks_off_is_replaced_for_the_next_words():
    talk = script(
        ASKED,
        user_says("And now?", from_s=7.0, to_s=7.5),
        answers=[answer("It is noon and a bit."), answer("One past.")],
        voice=QUICK,
    )
    talk.tts_fails = [Failure(APIConnectionError(), work_first=True)]
    call = Conversation(talk)
    other = FakeTTS(script(voice=QUICK))
    call.vendors.stand_ins["tts"] = [("other-tts", other)]
    await call.run(hangs_up_s=12)
    assert other.texts == ["One past."]
    assert call.turns(Speaker.ASSISTANT)[-1].text == "One past."


@virtual_time
async def test_another_recogniser_hears_the_next_words():
    talk = script(
        user_says("Hello?", from_s=3.0, to_s=3.6),
        answers=[answer("Yes?")],
        voice=QUICK,
        stt_fails=[Failure(APIConnectionError(), after_s=1.0)],
    )
    other = FakeSTT(script(user_says("Hello?", from_s=3.0, to_s=3.6), voice=QUICK))
    call = Conversation(talk)
    call.vendors.stand_ins["stt"] = [("other-stt", other)]
    await call.run(hangs_up_s=8)
    assert replaced(call) == [("stt", "fake-stt", "other-stt")]
    assert call.said == [("user", "Hello?"), ("assistant", "Yes?")]


@virtual_time
async def test_when_the_last_one_fails_too_the_call_ends_as_before():
    first = script(ASKED, answers=[answer("x")], voice=QUICK)
    first.answers[0] = type(first.answers[0])(fails=Failure(REFUSED))
    second = script(ASKED, answers=[answer("x")], voice=QUICK)
    second.answers[0] = type(second.answers[0])(fails=Failure(REFUSED))
    call = Conversation(first, make_spec())
    call.vendors.stand_ins["llm"] = [("other-llm", FakeLLM(second))]
    ended = await call.run(hangs_up_s=30)
    assert ended.reason is EndReason.VENDOR_FAILED
    assert [(t.provider, t.is_fatal) for t in call.troubles] == [
        ("fake-llm", False),
        ("other-llm", True),
    ]
