"""How calls end: in time, with their last words, told once, and everything released."""

from __future__ import annotations

import asyncio

import pytest

from calls.media.link import LinkEnd
from calls.session.events import EndReason, SessionEnded, SessionEvent, ToolCalled
from calls.session.patience import Patience
from tests.calls.session.conversation import FRAME_S, Conversation, make_spec
from tests.fakes.link import FakeLink
from tests.fakes.script import ToolUse, Voice, answer, script, user_says
from tests.virtual_time import virtual_time

TEN_WORDS = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj"
END_CALL = ({"type": "end_call"},)


def assert_told_once(call: Conversation) -> None:
    """`SessionEnded` came last and once; vendors and link are closed."""
    assert len(call.of(SessionEnded)) == 1
    assert isinstance(call.events[-1], SessionEnded)
    assert call.vendors.stt.is_closed
    assert call.vendors.llm.is_closed
    assert call.vendors.tts.is_closed
    assert call.link.close_count == 1


@pytest.mark.parametrize(
    ("link_end", "reason"),
    [
        (LinkEnd.REMOTE_HANGUP, EndReason.USER_HANGUP),
        (LinkEnd.LOST, EndReason.CONNECTION_LOST),
    ],
)
def test_the_far_end_going_away_ends_the_call_at_once(link_end, reason):
    @virtual_time
    async def scenario() -> None:
        talk = script(voice=Voice(word_s=0.5))
        link = FakeLink(talk, ends_at_s=2.0, ends_with=link_end)
        call = Conversation(talk, make_spec(TEN_WORDS), link=link)
        ended = await call.run()
        # latency: released within a frame
        assert link.closed_at_s == pytest.approx(2.0, abs=FRAME_S)
        assert (ended.reason, ended.at_ms) == (reason, 2_000)
        [turn] = call.turns()
        assert (turn.text, turn.is_interrupted) == ("aaaa bbbb cccc dddd", True)
        assert_told_once(call)

    scenario()


@virtual_time
async def test_words_under_way_when_the_caller_hangs_up_are_written_down():
    talk = script(user_says("I will call you back later", from_s=1.0, to_s=2.5))
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=2.0)
    assert ended.at_ms == 2_000
    assert call.said == [("user", "I will call you back later")]


@virtual_time
async def test_max_duration_ends_the_call_on_the_second():
    call = Conversation(script(), make_spec(max_duration_seconds=10))
    ended = await call.run()
    assert (ended.reason, ended.at_ms) == (EndReason.MAX_DURATION, 10_000)
    assert call.said == []
    assert_told_once(call)


@virtual_time
async def test_max_duration_says_its_farewell_in_full():
    talk = script(
        user_says("Tell me a story", from_s=7.0, to_s=8.0),
        answers=[answer(TEN_WORDS)],
        voice=Voice(word_s=0.5),
    )
    spec = make_spec(end_call_message="Our time is up.", max_duration_seconds=10)
    call = Conversation(talk, spec)
    ended = await call.run()
    assert ended.reason == EndReason.MAX_DURATION
    assert [text for _, text in call.said][-1] == "Our time is up."
    assert call.turns()[-2].is_interrupted
    # latency: the story stops at 10 s, the farewell takes 0.1 + 2 s, its tail 0.3 s
    assert ended.at_ms == pytest.approx(10_000 + 100 + 2_000 + 300, abs=60)


@virtual_time
async def test_end_call_tool_ends_after_the_whole_goodbye():
    talk = script(
        user_says("Goodbye", from_s=1.0, to_s=1.6),
        answers=[answer("It was nice talking to you.", calls="end_call")],
    )
    call = Conversation(talk, make_spec(tools=END_CALL))
    ended = await call.run()
    assert ended.reason == EndReason.ASSISTANT_HANGUP
    assert call.said == [
        ("user", "Goodbye"),
        ("assistant", "It was nice talking to you."),
    ]
    assert not call.turns()[-1].is_interrupted
    # latency: hung up 0.3 s (the tail) after the last word
    last_word_s = call.link.heard[-1].to_s
    assert call.link.closed_at_s == pytest.approx(last_word_s + 0.3, abs=2 * FRAME_S)
    [used] = call.of(ToolCalled)
    assert (used.name, used.is_error) == ("end_call", False)
    assert_told_once(call)


@virtual_time
async def test_end_call_tool_says_the_end_call_message_and_cannot_be_interrupted():
    talk = script(
        user_says("Goodbye", from_s=1.0, to_s=1.6),
        user_says("one more thing", from_s=2.6, to_s=3.5),
        answers=[answer("", calls="end_call")],
        voice=Voice(word_s=0.5),
    )
    spec = make_spec(tools=END_CALL, end_call_message="Thanks for calling Acme.")
    call = Conversation(talk, spec)
    ended = await call.run()
    assert ended.reason == EndReason.ASSISTANT_HANGUP
    assert call.said[-1] == ("assistant", "Thanks for calling Acme.")
    assert not call.turns()[-1].is_interrupted


@virtual_time
async def test_end_call_is_offered_only_when_the_assistant_has_it():
    talk = script(
        user_says("Goodbye", from_s=1.0, to_s=1.6),
        answers=[answer("", calls=(ToolUse("end_call"),)), answer("Bye.")],
    )
    call = Conversation(talk)
    ended = await call.run(hangs_up_s=5)
    assert ended.reason == EndReason.USER_HANGUP
    assert call.vendors.llm.offered_tools == []


@virtual_time
async def test_end_from_outside_cuts_speech_and_says_a_message():
    call = Conversation(script(voice=Voice(word_s=0.5)), make_spec(TEN_WORDS))
    running = call.start()
    await call.at(2.0)
    await call.session.end(EndReason.INSUFFICIENT_CREDITS, "Your credit is used up.")
    ended = await running
    assert ended.reason == EndReason.INSUFFICIENT_CREDITS
    assert [t.text for t in call.turns()] == [
        "aaaa bbbb cccc dddd",
        "Your credit is used up.",
    ]
    # latency: cut within a frame; the message (0.1 + 2.5 s) and its tail follow
    assert ended.at_ms == pytest.approx(2_000 + 100 + 2_500 + 300, abs=60)
    assert_told_once(call)


@virtual_time
async def test_end_without_a_message_is_immediate_but_for_sound_on_its_way():
    call = Conversation(script())
    running = call.start()
    await call.at(2.0)
    await call.session.end(EndReason.OPERATOR_HANGUP)
    ended = await running
    assert (ended.reason, ended.at_ms) == (EndReason.OPERATOR_HANGUP, 2_000)


@virtual_time
async def test_hanging_up_during_the_farewell_ends_it():
    talk = script(voice=Voice(word_s=0.5))
    call = Conversation(talk, link=FakeLink(talk, ends_at_s=3.0))
    running = call.start()
    await call.at(2.0)
    await call.session.end(EndReason.OPERATOR_HANGUP, TEN_WORDS)
    ended = await running
    assert (ended.reason, ended.at_ms) == (EndReason.OPERATOR_HANGUP, 3_000)


@virtual_time
async def test_first_reason_wins():
    call = Conversation(script())
    running = call.start()
    await call.at(1.0)
    await call.session.end(EndReason.OPERATOR_HANGUP)
    await call.session.end(EndReason.INTERNAL_ERROR)
    assert (await running).reason == EndReason.OPERATOR_HANGUP
    assert_told_once(call)


@virtual_time
async def test_media_that_never_connects_ends_without_a_word():
    talk = script()
    link = FakeLink(talk, connects_after_s=None)
    call = Conversation(
        talk, make_spec("Hello."), link=link, patience=Patience(connect_s=20)
    )
    ended = await call.run()
    assert (ended.reason, ended.at_ms) == (EndReason.NEVER_CONNECTED, 0)
    assert asyncio.get_running_loop().time() == pytest.approx(20.0, abs=0.1)
    assert call.events == [ended]
    assert_told_once(call)


@virtual_time
async def test_end_while_connecting_ends_at_once():
    talk = script()
    link = FakeLink(talk, connects_after_s=10)
    call = Conversation(talk, make_spec("Hello."), link=link)
    running = call.start()
    await asyncio.sleep(1)
    await call.session.end(EndReason.OPERATOR_HANGUP, "Goodbye.")
    ended = await running
    assert ended.reason == EndReason.OPERATOR_HANGUP
    assert asyncio.get_running_loop().time() == pytest.approx(1.0, abs=0.1)
    assert_told_once(call)


@virtual_time
async def test_end_before_run_is_kept_for_it():
    call = Conversation(script(), make_spec("Hello."))
    await call.session.end(EndReason.OPERATOR_HANGUP)
    ended = await call.run()
    assert ended.reason == EndReason.OPERATOR_HANGUP
    assert_told_once(call)


@pytest.mark.parametrize("cancel_at_s", [0.0, 0.02, 0.05, 0.06, 1.0, 2.3, 2.6, 4.0])
def test_cancelling_releases_everything_and_tells_the_end_once(cancel_at_s):
    @virtual_time
    async def scenario() -> None:
        baseline = asyncio.all_tasks()
        talk = script(user_says("Hello", from_s=2.0, to_s=2.5))
        call = Conversation(talk, make_spec("Hi."))
        running = call.start()
        await asyncio.sleep(cancel_at_s)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        if cancel_at_s:  # a task cancelled before its first step never ran at all
            assert call.events[-1].reason == EndReason.VOICE_PROCESS_LOST
            assert_told_once(call)
        assert asyncio.all_tasks() == baseline

    scenario()


@pytest.mark.slow
@virtual_time
async def test_cancelling_at_any_step_of_the_start_leaves_nothing():
    baseline = asyncio.all_tasks()
    for steps in range(60):
        call = Conversation(script(), make_spec("Hi."))
        running = call.start()
        await call.link.connected.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert_told_once(call)
        assert asyncio.all_tasks() == baseline


@virtual_time
async def test_a_long_farewell_is_said_in_full():
    words = " ".join(["message"] * 120)
    call = Conversation(script(voice=Voice(word_s=0.5)))
    running = call.start()
    await call.at(1.0)
    await call.session.end(EndReason.VOICEMAIL, words)
    await running
    assert call.said == [("assistant", words)]


@virtual_time
async def test_a_second_cancel_does_not_stop_the_release():
    call = Conversation(script(), make_spec("Hi."))
    running = call.start()
    await asyncio.sleep(1.0)
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert_told_once(call)


@virtual_time
async def test_wishes_after_the_end_are_dropped_silently():
    call = Conversation(script())
    ended = await call.run(hangs_up_s=1)
    await call.session.say("Too late.")
    await call.session.inject("Too late.", respond=True)
    await call.session.end(EndReason.OPERATOR_HANGUP, "Too late.")
    assert call.events[-1] == ended


@virtual_time
async def test_a_sink_that_fails_or_hangs_harms_nothing():
    told: list[SessionEvent] = []
    call = Conversation(script(), make_spec("Hello there."))

    async def sink(event: SessionEvent) -> None:
        told.append(event)
        if len(told) == 1:
            raise ValueError("no")
        if len(told) == 2:
            await asyncio.Event().wait()

    call.session._sink = sink
    ended = await call.run(hangs_up_s=2)
    assert told[-1] == ended
    assert call.link.heard[0].from_s == pytest.approx(0.1, abs=FRAME_S)


@virtual_time
async def test_a_call_picked_up_earlier_counts_from_its_first_audio():
    talk = script()
    link = FakeLink(talk)
    await link.wait_connected(1)
    await asyncio.sleep(2.0)  # the caller's credit is looked up
    call = Conversation(talk, make_spec("Hello.", max_duration_seconds=10), link=link)
    ended = await call.run()
    assert (ended.reason, ended.at_ms) == (EndReason.MAX_DURATION, 10_000)
    assert call.turns()[0].started_ms == round(link.heard[0].from_s * 1000)


@pytest.mark.parametrize("breaks", ["raises", "hangs"])
def test_a_link_that_cannot_close_does_not_stop_the_release(breaks):
    @virtual_time
    async def scenario() -> None:
        call = Conversation(script(), make_spec("Hello."))
        closes = call.link.aclose

        async def fails_to_close() -> None:
            await closes()
            if breaks == "raises":
                raise OSError("port is gone")
            await asyncio.Event().wait()

        call.link.aclose = fails_to_close  # type: ignore[method-assign]  # a third party's socket
        ended = await call.run(hangs_up_s=2)
        assert ended.reason == EndReason.USER_HANGUP
        assert_told_once(call)

    scenario()


@virtual_time
async def test_a_session_runs_once():
    call = Conversation(script())
    await call.run(hangs_up_s=1)
    with pytest.raises(RuntimeError, match="once"):
        await call.session.run()
