"""One call from the order to the bill: whatever ends it, the bill is exact."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest
from channels.layers import get_channel_layer
from django.core.files.storage import storages
from livekit.agents import APIConnectionError

from assistants.services import delete_assistant
from assistants.spec import AssistantSpec
from calls.media.link import LinkStats
from calls.models import Call, VoiceNode
from calls.node.endings import BROKE, NO_AUDIO_PATH
from calls.services.finish import Outcome, finish_call
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.vendors.errors import NoCredential
from portal.scope import organization_scope
from tests.calls.node.held import (
    FULL,
    FakeStudio,
    HeldCall,
    cost_of,
    on_test_connection,
    order_for,
    wallet,
)
from tests.calls.session.conversation import make_spec
from tests.fakes.link import FakeLink
from tests.fakes.script import (
    Answer,
    Failure,
    Script,
    Voice,
    answer,
    script,
    user_says,
)
from tests.world import House


def noon() -> Script:
    return script(
        user_says("What time is it", from_s=2.0, to_s=3.0),
        answers=[answer("It is noon.")],
    )


def test_turns_are_written_in_order_and_the_seconds_billed(
    order: CallOrder, bakery: House, acme: House
) -> None:
    held = HeldCall(order, noon(), spec=make_spec("Hello."))
    held.link.ends_at_s = 7.5
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert held.turns() == [
        ("assistant", "Hello."),
        ("user", "What time is it"),
        ("assistant", "It is noon."),
    ]
    assert 7_400 <= call.duration_ms <= 7_600
    assert call.billed_seconds == 8
    assert call.cost_microcredits == cost_of(8)
    assert wallet(bakery) == wallet(acme) == FULL - cost_of(8)
    assert call.usage["llm_output_tokens"] == 3
    assert call.error == call.fault_owner == ""


def test_the_recording_is_kept(order: CallOrder) -> None:
    held = HeldCall(order, noon(), spec=make_spec("Hello."))
    held.link.ends_at_s = 5
    call = held.run()
    assert call.recording.endswith(".wav")
    with storages["recordings"].open(call.recording) as file:
        assert file.read(4) == b"RIFF"
    assert 4_000 < call.recording_ms <= 5_100
    assert max(call.waveform["assistant"]) > 0


def test_the_assistant_hangs_up(order: CallOrder) -> None:
    talk = script(
        user_says("goodbye", from_s=1.0, to_s=1.5),
        answers=[answer("Goodbye.", calls="end_call")],
    )
    spec = make_spec("Hello.", tools=({"type": "end_call"},))
    call = HeldCall(order, talk, spec=spec).run()
    assert (call.status, call.end_reason) == ("ended", "assistant_hangup")


def test_a_call_ends_at_its_longest(order: CallOrder, bakery: House) -> None:
    spec = make_spec("Hello.", max_duration_seconds=30)
    call = HeldCall(order, Script(), spec=spec).run()
    assert (call.status, call.end_reason) == ("ended", "max_duration")
    assert 30_000 <= call.duration_ms < 31_000
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_a_call_that_never_connects_is_free(
    order: CallOrder, bakery: House, acme: House
) -> None:
    held = HeldCall(order, Script(), link=FakeLink(Script(), connects_after_s=None))
    call = held.run()
    assert (call.status, call.end_reason) == ("failed", "never_connected")
    assert call.error == NO_AUDIO_PATH
    assert wallet(bakery) == wallet(acme) == FULL
    assert held.link.close_count > 0
    assert held.studio.made[0].close_count > 0


@pytest.mark.parametrize("at_s", [0.0, 0.02, 0.05, 0.06, 0.5])
def test_a_hang_up_at_any_moment_of_the_start_is_a_hang_up(
    order: CallOrder, bakery: House, at_s: float
) -> None:
    async def hang_up(held: HeldCall) -> None:
        await asyncio.sleep(at_s)
        await held.live.stop(EndReason.USER_HANGUP)

    call = HeldCall(order, Script(), spec=make_spec("Hello.")).run(hang_up)
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert call.duration_ms <= 500
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_the_first_reason_counts(order: CallOrder) -> None:
    async def stop_twice(held: HeldCall) -> None:
        await held.at(1)
        await held.live.stop(EndReason.OPERATOR_HANGUP)
        await held.live.stop(EndReason.VOICE_PROCESS_LOST)

    call = HeldCall(order, Script()).run(stop_twice)
    assert call.end_reason == "operator_hangup"


def test_what_is_said_before_the_audio_connects_is_said_after(order: CallOrder) -> None:
    async def speak_early(held: HeldCall) -> None:
        await asyncio.sleep(0.01)
        await held.live.say("You are being recorded.", end_after=True)

    held = HeldCall(order, Script())
    held.run(speak_early)
    assert held.turns() == [("assistant", "You are being recorded.")]
    assert held.row().end_reason == "assistant_hangup"


def test_an_assistant_deleted_in_a_call_goes_on_talking(
    order: CallOrder, bakery: House
) -> None:
    async def delete(held: HeldCall) -> None:
        await held.at(1)
        with organization_scope(bakery.organization):
            delete_assistant(assistant=bakery.assistant, actor=None)

    held = HeldCall(order, noon())
    held.link.ends_at_s = 6
    call = held.run(delete)
    assert call.end_reason == "user_hangup"
    assert ("assistant", "It is noon.") in held.turns()


class KeylessStudio(FakeStudio):
    def vendors(self, spec: AssistantSpec, own_keys: Any = None) -> Any:
        raise NoCredential(stage="tts", provider="ElevenLabs")


def test_a_missing_key_costs_nothing_and_says_whose_it_is(
    order: CallOrder, bakery: House
) -> None:
    call = HeldCall(order, Script(), studio=KeylessStudio()).run()
    assert (call.status, call.end_reason) == ("failed", "vendor_failed")
    assert call.fault_owner == "organization"
    assert "ElevenLabs" in call.error
    assert wallet(bakery) == FULL


def test_a_vendor_that_fails_ends_the_call_with_its_owner(
    order: CallOrder, bakery: House
) -> None:
    broken = Answer(fails=Failure(APIConnectionError()))
    talk = script(
        user_says("What time is it", from_s=2.0, to_s=3.0), answers=[broken] * 9
    )
    held = HeldCall(order, talk, spec=make_spec("Hello."))
    call = held.run()
    assert (call.status, call.end_reason) == ("ended-with-error", "vendor_failed")
    assert call.fault_owner == "organization"
    assert [event.data["stage"] for event in held.events("vendor_trouble")][-1] == "llm"
    assert call.billed_seconds >= 4
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


class FallingLink(FakeLink):
    """A transport with a fault of its own, which the session meets first."""

    async def wait_connected(self, timeout_s: float) -> None:
        if self.connected.is_set():
            raise RuntimeError("a secret of the transport")
        await super().wait_connected(timeout_s)


def test_a_session_that_breaks_is_an_error_of_ours(
    order: CallOrder, bakery: House
) -> None:
    call = HeldCall(order, Script(), link=FallingLink(Script())).run()
    assert (call.status, call.end_reason) == ("ended-with-error", "internal_error")
    assert (call.error, call.fault_owner) == (BROKE, "platform")
    assert call.billed_seconds <= 1
    assert wallet(bakery) == FULL - call.cost_microcredits


class BrokenLink(FakeLink):
    """A transport whose statistics and whose closing fail."""

    def stats(self) -> LinkStats:
        raise RuntimeError("no statistics")

    async def aclose(self) -> None:
        await super().aclose()
        raise RuntimeError("it does not close either")


def test_a_link_that_breaks_to_the_last_is_billed_all_the_same(
    order: CallOrder, bakery: House
) -> None:
    held = HeldCall(order, noon(), spec=make_spec("Hello."), link=BrokenLink(noon()))
    held.link.ends_at_s = 7.5
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert call.quality == {}
    assert wallet(bakery) == FULL - cost_of(8)


def test_a_channel_layer_that_is_away_costs_no_turn(
    order: CallOrder, bakery: House
) -> None:
    held = HeldCall(order, noon(), spec=make_spec("Hello."))
    held.link.ends_at_s = 7.5
    layer = get_channel_layer()
    with mock.patch.object(layer, "group_send", side_effect=ConnectionError("away")):
        call = held.run()
    assert call.end_reason == "user_hangup"
    assert [text for _, text in held.turns()] == [
        "Hello.",
        "What time is it",
        "It is noon.",
    ]


def test_words_that_postgresql_cannot_store_cost_no_turn(order: CallOrder) -> None:
    talk = script(
        user_says("What time is it", from_s=2.0, to_s=3.0),
        answers=[answer("It\x00 is noon.")],
    )
    held = HeldCall(order, talk, spec=make_spec("Hello."))
    held.link.ends_at_s = 7.5
    assert held.run().end_reason == "user_hangup"
    assert held.turns()[-1] == ("assistant", "It is noon.")


@pytest.mark.parametrize("times", [1, 5])
def test_a_cancelled_call_is_released_and_billed(
    order: CallOrder, bakery: House, times: int
) -> None:
    held = HeldCall(order, noon(), spec=make_spec("Hello."))

    async def cancelled() -> None:
        running = asyncio.create_task(held.live.run())
        await held.at(4.5)
        for _ in range(times):
            running.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    on_test_connection(cancelled())
    call = held.row()
    assert (call.status, call.end_reason) == ("failed", "voice_process_lost")
    assert call.billed_seconds == 5
    assert call.recording
    assert call.usage["llm_output_tokens"] == 3
    assert ("user", "What time is it") in held.turns()
    assert held.link.close_count > 0
    assert wallet(bakery) == FULL - cost_of(5)


def test_seconds_of_tidying_up_are_not_billed(order: CallOrder, bakery: House) -> None:
    class SlowVendors(FakeStudio):
        def vendors(self, spec: AssistantSpec, own_keys: Any = None) -> Any:
            made = super().vendors(spec)
            made.stt.aclose = lambda: asyncio.sleep(4)
            return made

    held = HeldCall(order, Script(), studio=SlowVendors(Script()))
    held.link.ends_at_s = 3

    async def watch(held: HeldCall) -> None:
        await held.at(2)
        assert not held.live.is_over

    call = held.run(watch)
    assert held.live.is_over
    assert call.billed_seconds in (3, 4)
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_a_call_ended_elsewhere_keeps_its_bill_and_gets_its_recording(
    order: CallOrder, bakery: House
) -> None:
    async def end(held: HeldCall) -> None:
        await held.at(3)
        finish_call(
            call_id=order.call_id,
            scope=order.scope,
            outcome=Outcome(EndReason.VOICE_PROCESS_LOST, duration_ms=2_000),
        )
        await held.live.stop(EndReason.VOICE_PROCESS_LOST)

    call = HeldCall(order, noon(), spec=make_spec("Hello.")).run(end)
    assert (call.end_reason, call.billed_seconds) == ("voice_process_lost", 2)
    assert call.recording
    assert wallet(bakery) == FULL - cost_of(2)


def test_a_call_ended_before_it_connected_is_not_held(order: CallOrder) -> None:
    finish_call(
        call_id=order.call_id,
        scope=order.scope,
        outcome=Outcome(EndReason.VOICE_PROCESS_LOST),
    )
    held = HeldCall(order, noon(), spec=make_spec("Hello."))
    call = held.run()
    assert call.status == Call.Status.FAILED
    assert held.turns() == []
    assert held.link.close_count > 0


@pytest.mark.slow
def test_many_calls_leave_no_task_and_no_hold(
    bakery: House, node: VoiceNode, inline_database: None
) -> None:
    spent = 0
    for number in range(8):
        held = HeldCall(
            order_for(bakery, node),
            script(voice=Voice(word_s=0.1)),
            spec=make_spec("Hello."),
        )
        held.link.ends_at_s = number * 0.2
        spent += held.run().cost_microcredits
    assert wallet(bakery) == FULL - spent
