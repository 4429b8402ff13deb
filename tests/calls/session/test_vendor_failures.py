"""Vendors that err, hang or limit: retried, apologised for, and named at the end.

Every test states how long the caller is left in silence.
"""

from __future__ import annotations

import pytest
from livekit.agents import APIConnectionError, APIStatusError

from calls.session import apology
from calls.session.events import EndReason, SessionEnded, Speaker
from tests.calls.session.conversation import Conversation, make_spec
from tests.fakes.script import (
    Answer,
    Failure,
    Script,
    Voice,
    answer,
    script,
    user_coughs,
    user_says,
)
from tests.virtual_time import virtual_time

SORRY = apology.TECHNICAL_PROBLEM["en"]
QUESTION_ENDS_S = 2.0


def error() -> Failure:
    return Failure(APIConnectionError("connection reset"))


def rate_limit() -> Failure:
    return Failure(APIStatusError("slow down", status_code=429))


def refusal() -> Failure:
    return Failure(APIStatusError("bad key sk-secret", status_code=401))


def hang() -> Failure:
    return Failure()


def asks(**rest: object) -> Script:
    question = user_says("What time is it?", from_s=1.0, to_s=QUESTION_ENDS_S)
    return script(question, **rest)  # type: ignore[arg-type]


def silence_s(call: Conversation) -> float:
    """How long the caller waited for any sound after their question."""
    return next(s.from_s for s in call.link.heard if s.from_s > QUESTION_ENDS_S) - 2.0


def assert_vendor_failed(call: Conversation, ended: SessionEnded, stage: str) -> None:
    assert ended.reason == EndReason.VENDOR_FAILED
    assert ended.fault_owner == call.vendors.owners[stage]
    assert ended.error.startswith(f"{stage} (fake-{stage}): ")
    assert "secret" not in ended.error
    assert call.said[-1] == ("assistant", SORRY)
    assert [t.is_fatal for t in call.troubles].count(True) == 1
    assert call.troubles[-1].stage == stage
    assert call.events[-1] == ended


# --- the model ---


@pytest.mark.parametrize("failure", [error(), rate_limit()])
def test_a_model_that_fails_once_is_asked_again(failure):
    @virtual_time
    async def scenario() -> None:
        call = Conversation(
            asks(answers=[Answer(fails=failure), answer("It is noon.", after_s=0.3)])
        )
        ended = await call.run(hangs_up_s=6)
        assert ended.reason == EndReason.USER_HANGUP
        assert call.said[-1] == ("assistant", "It is noon.")
        [trouble] = call.troubles
        assert (trouble.stage, trouble.provider) == ("llm", "fake-llm")
        assert (trouble.owner, trouble.is_fatal) == ("organization", False)
        # latency: transcript 0.1, another try after 0.5, model 0.3, voice 0.1
        assert silence_s(call) == pytest.approx(1.0, abs=0.06)

    scenario()


@pytest.mark.parametrize(
    ("failure", "limit_s"),
    [(error(), 2.0), (rate_limit(), 2.0), (refusal(), 0.7), (hang(), 12.6)],
    ids=["error", "ratelimit", "refusal", "hang"],
)
def test_a_model_that_goes_on_failing_is_apologised_for(failure, limit_s):
    @virtual_time
    async def scenario() -> None:
        call = Conversation(asks(answers=[Answer(fails=failure)] * 9))
        ended = await call.run()
        assert_vendor_failed(call, ended, "llm")
        # latency: an apology within the limit, whatever the model does
        assert silence_s(call) < limit_s

    scenario()


@virtual_time
async def test_a_reply_that_breaks_off_keeps_its_first_words():
    broken = Answer("one two three four", fails=Failure(error().error, work_first=True))
    talk = asks(answers=[broken, answer("Fine.")])
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=6)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.said[-1] == ("assistant", "one two")
    assert [t.is_fatal for t in call.troubles] == [False]


@virtual_time
async def test_a_model_that_hangs_in_the_middle_is_cut_off():
    broken = Answer("one two three four", fails=Failure(work_first=True))
    call = Conversation(asks(answers=[broken]))
    await call.run(hangs_up_s=9)
    assert call.said[-1] == ("assistant", "one two")
    assert "no answer within 4 s" in call.troubles[0].message


@virtual_time
async def test_two_broken_replies_in_a_row_end_the_call():
    broken = Answer("one two three four", fails=Failure(error().error, work_first=True))
    talk = script(
        user_says("Hello?", from_s=1.0, to_s=2.0),
        user_says("What?", from_s=5.0, to_s=6.0),
        answers=[broken, broken],
    )
    call = Conversation(talk)
    assert_vendor_failed(call, await call.run(), "llm")


# --- the voice ---


@pytest.mark.parametrize(
    ("failure", "limit_s"),
    [(error(), 2.2), (rate_limit(), 2.2), (refusal(), 0.8), (hang(), 9.0)],
    ids=["error", "ratelimit", "refusal", "hang"],
)
def test_a_voice_that_fails_is_apologised_for_by_a_recording(failure, limit_s):
    @virtual_time
    async def scenario() -> None:
        call = Conversation(
            asks(answers=[answer("It is noon.")], tts_fails=[failure] * 9)
        )
        ended = await call.run()
        assert_vendor_failed(call, ended, "tts")
        assert silence_s(call) < limit_s
        [sound] = call.link.heard
        assert sound.to_s - sound.from_s == pytest.approx(4.4, abs=0.05)

    scenario()


@virtual_time
async def test_a_voice_that_fails_once_is_tried_again():
    call = Conversation(asks(answers=[answer("It is noon.")], tts_fails=[error()]))
    ended = await call.run(hangs_up_s=6)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.said[-1] == ("assistant", "It is noon.")
    # latency: model (0.1 + 0.2, within the 0.4 of silence), retry 0.5, voice 0.1
    assert silence_s(call) == pytest.approx(1.0, abs=0.06)


@virtual_time
async def test_a_first_message_that_cannot_be_spoken_ends_the_call():
    call = Conversation(script(tts_fails=[refusal()] * 9), make_spec("Hello."))
    ended = await call.run()
    assert ended.reason == EndReason.VENDOR_FAILED
    assert call.said == [("assistant", SORRY)]
    # latency: the recording begins at once
    assert call.link.heard[0].from_s < 0.1


@virtual_time
async def test_a_reply_of_signs_alone_is_no_fault_of_the_voice():
    talk = asks(answers=[answer("...")], tts_fails=[error()] * 3)
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=6)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.troubles == []


@virtual_time
async def test_a_voice_that_breaks_off_leaves_what_was_heard():
    broken = Failure(error().error, work_first=True)
    talk = asks(
        answers=[answer("aaaa bbbb cccc dddd")],
        tts_fails=[broken],
        voice=Voice(word_s=0.5),
    )
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=7)
    assert ended.reason == EndReason.USER_HANGUP
    [turn] = call.turns(Speaker.ASSISTANT)
    assert turn.is_interrupted
    assert turn.text.startswith("aaaa")
    assert "dddd" not in turn.text


# --- the recogniser ---


@virtual_time
async def test_a_recogniser_that_fails_at_first_is_opened_again():
    talk = asks(answers=[answer("It is noon.")], stt_fails=[error()])
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=6)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.said[0] == ("user", "What time is it?")
    assert [t.stage for t in call.troubles] == ["stt"]


@virtual_time
async def test_a_recogniser_that_ends_politely_is_opened_again():
    talk = asks(answers=[answer("It is noon.")], stt_fails=[Failure(EOFError())])
    call = Conversation(talk)
    await call.run(hangs_up_s=6)
    assert call.said[0] == ("user", "What time is it?")


@pytest.mark.parametrize(
    ("failure", "limit_s"),
    [(error(), 1.5), (rate_limit(), 1.5), (refusal(), 0.5)],
    ids=["error", "ratelimit", "refusal"],
)
def test_a_recogniser_that_goes_on_failing_ends_the_call(failure, limit_s):
    @virtual_time
    async def scenario() -> None:
        call = Conversation(script(stt_fails=[failure] * 9))
        ended = await call.run()
        assert_vendor_failed(call, ended, "stt")
        # latency: known before the caller has said anything
        assert call.link.heard[0].from_s < limit_s

    scenario()


@virtual_time
async def test_a_recogniser_that_hangs_is_replaced_and_hears_the_next_words():
    talk = script(
        user_says("Hello?", from_s=1.0, to_s=2.0),
        user_says("Is anyone there?", from_s=8.0, to_s=9.0),
        answers=[answer("Yes.")],
        stt_fails=[hang()],
    )
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=12)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.said == [("user", "Is anyone there?"), ("assistant", "Yes.")]
    # latency: replaced 5 s after the words it did not hear
    [trouble] = call.troubles
    assert trouble.at_ms == pytest.approx(2_000 + 5_000, abs=60)


@virtual_time
async def test_a_deaf_session_says_so_and_ends():
    talk = script(
        user_says("Hello?", from_s=1.0, to_s=2.0),
        user_says("Hello??", from_s=8.0, to_s=9.0),
        user_says("Is anyone there?", from_s=18.0, to_s=19.0),
        stt_fails=[hang()] * 9,
    )
    call = Conversation(talk)
    ended = await call.run()
    assert_vendor_failed(call, ended, "stt")
    assert call.said == [("assistant", apology.NOT_HEARD["en"]), ("assistant", SORRY)]
    # latency: asked again 5 s after the second, given up 5 s after the third
    assert call.link.heard[0].from_s == pytest.approx(9.0 + 5.0 + 0.1, abs=0.1)
    assert call.link.heard[1].from_s == pytest.approx(19.0 + 5.0 + 0.1, abs=0.1)


@virtual_time
async def test_coughs_are_owed_no_words():
    talk = script(*(user_coughs(from_s=s, to_s=s + 0.5) for s in range(1, 30, 6)))
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=34)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.troubles == []


@virtual_time
async def test_noise_the_recogniser_hears_without_words_is_no_deafness():
    talk = script(*(user_coughs(from_s=s, to_s=s + 2) for s in range(1, 36, 8)))
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=42)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.troubles == []


# --- all at once ---


@virtual_time
async def test_when_model_and_voice_fail_the_recording_speaks():
    talk = asks(answers=[Answer(fails=refusal())] * 9, tts_fails=[refusal()] * 9)
    call = Conversation(talk)
    ended = await call.run()
    assert ended.reason == EndReason.VENDOR_FAILED
    assert ended.error.startswith("llm")
    assert call.said[-1] == ("assistant", SORRY)


@virtual_time
async def test_a_farewell_that_hangs_does_not_hold_the_line():
    call = Conversation(script(tts_fails=[hang()] * 9))
    running = call.start()
    await call.at(1.0)
    await call.session.end(EndReason.OPERATOR_HANGUP, "Goodbye.")
    ended = await running
    assert ended.reason == EndReason.OPERATOR_HANGUP
    # latency: no later than the voice's budget
    assert ended.at_ms <= 1_000 + 8_600


@pytest.mark.parametrize("language", sorted(apology.TECHNICAL_PROBLEM))
def test_every_apology_has_its_recording(language):
    @virtual_time
    async def scenario() -> None:
        frames = [frame async for frame in apology.recorded(language)]
        seconds = sum(frame.duration for frame in frames)
        assert 3 < seconds < 7
        assert language in apology.NOT_HEARD

    scenario()


def test_apology_is_in_the_assistants_language():
    spec = make_spec(stt_config={"provider": "x", "model": "x", "language": "nl-NL"})
    assert apology.language_of(spec) == "nl"
    spec = make_spec(stt_config={"provider": "x", "model": "x", "language": "sw"})
    assert apology.language_of(spec) == "en"
