"""A call that is dialled: it rings first, and perhaps nobody answers, or a machine does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from django.db import OperationalError

from calls.models import Call, CallWish
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.spoken import NOT_AGAIN, spoken
from calls.telephony.protocol import NoAnswerOutcome, NotAnswered
from portal.scope import all_organizations
from tests.calls.node.held import FULL, HeldCall, cost_of, wallet
from tests.calls.session.conversation import make_spec
from tests.fakes.leg import FakeLeg
from tests.fakes.script import answer, script, user_says
from tests.world import House


@pytest.fixture
def outbound(order: CallOrder) -> CallOrder:
    return replace(order, direction=Call.Direction.OUTBOUND, carrier="simulator")


def test_ringing_costs_nothing(outbound: CallOrder, bakery: House) -> None:
    leg = FakeLeg(rings_s=20, ends_at_s=4)
    call = HeldCall(outbound, leg.script, spec=make_spec("Hello."), leg=leg).run()
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert call.setup_ms is not None
    assert call.setup_ms >= 20_000
    assert call.billed_seconds in (4, 5)
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NoAnswerOutcome.BUSY, "busy"),
        (NoAnswerOutcome.NO_ANSWER, "no_answer"),
        (NoAnswerOutcome.REJECTED, "rejected"),
        (NoAnswerOutcome.FAILED, "carrier_failed"),
    ],
)
def test_nobody_answering_is_free_and_says_why(
    outbound: CallOrder, bakery: House, outcome: NoAnswerOutcome, reason: str
) -> None:
    leg = FakeLeg(refusal=NotAnswered(outcome, "486 said\x00 the network"))
    held = HeldCall(outbound, leg.script, leg=leg)
    call = held.run()
    assert (call.status, call.end_reason) == ("failed", reason)
    assert call.error == "486 said the network"
    assert wallet(bakery) == FULL
    assert leg.close_count > 0
    assert held.studio.made[0].close_count > 0


def test_ending_a_call_that_rings_says_who_did(
    outbound: CallOrder, bakery: House
) -> None:
    async def end(held: HeldCall) -> None:
        await asyncio.sleep(1)
        assert held.row().status == "ringing"
        await held.live.stop(EndReason.OPERATOR_HANGUP)

    leg = FakeLeg(rings_s=30)
    call = HeldCall(outbound, leg.script, leg=leg).run(end)
    assert (call.status, call.end_reason) == ("ended", "operator_hangup")
    assert wallet(bakery) == FULL


GREETING = "You have reached the voicemail of Ann please leave a message after the beep"


def test_a_machine_is_left_the_message(outbound: CallOrder, bakery: House) -> None:
    talk = script(user_says(GREETING, from_s=0.5, to_s=3.0), answers=[answer("Hm.")])
    leg = FakeLeg(talk)
    spec = make_spec(voicemail_message="Please call us back.")
    held = HeldCall(outbound, talk, spec=spec, leg=leg)
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "voicemail")
    assert held.turns()[-1] == ("assistant", "Please call us back.")
    assert leg.heard[-1].from_s > 3.0 + 2.4  # not before the machine is still
    (answered,) = held.events("answered_by")
    assert answered.data["by"] == "machine"
    assert answered.data["evidence"] == ["words"]
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_a_machine_without_a_message_for_it_is_hung_up_on(outbound: CallOrder) -> None:
    talk = script(user_says(GREETING, from_s=0.5, to_s=3.0), answers=[answer("Hm.")])
    leg = FakeLeg(talk)
    call = HeldCall(outbound, talk, spec=make_spec(), leg=leg).run()
    assert call.end_reason == "voicemail"
    assert call.billed_seconds < 6


def test_later_on_people_may_speak_of_voicemail(outbound: CallOrder) -> None:
    talk = script(
        user_says("Hello this is Ann", from_s=0.5, to_s=1.5),
        user_says(GREETING, from_s=4.0, to_s=6.0),
        answers=[answer("Good day."), answer("I see.")],
    )
    leg = FakeLeg(talk, ends_at_s=9)
    call = HeldCall(outbound, talk, spec=make_spec(), leg=leg).run()
    assert call.end_reason == "user_hangup"


def test_a_browser_that_says_so_is_no_machine(order: CallOrder) -> None:
    talk = script(user_says(GREETING, from_s=0.5, to_s=3.0), answers=[answer("Hm.")])
    held = HeldCall(order, talk)
    held.link.ends_at_s = 6
    assert held.run().end_reason == "user_hangup"


def test_the_greeting_is_heard_once_somebody_answers(outbound: CallOrder) -> None:
    leg = FakeLeg(rings_s=12, ends_at_s=5)
    held = HeldCall(outbound, leg.script, spec=make_spec("Good day to you."), leg=leg)
    held.run()
    (greeting,) = leg.heard
    assert greeting.from_s < 0.3  # of the audio, which connects with the answer
    assert greeting.to_s - greeting.from_s == pytest.approx(1.0, abs=0.05)
    assert held.turns() == [("assistant", "Good day to you.")]


@pytest.mark.parametrize(
    ("policy", "reason"), [("talk", "user_hangup"), ("leave_message", "voicemail")]
)
def test_what_to_do_when_it_is_not_sure_is_the_owners_choice(
    outbound: CallOrder, policy: str, reason: str
) -> None:
    talk = script(
        user_says("I am not here for long", from_s=0.5, to_s=2.5),
        answers=[answer("Hm.")],
    )
    leg = FakeLeg(talk, ends_at_s=12)
    spec = make_spec(voicemail_message="Call us.", voicemail_when_unsure=policy)
    held = HeldCall(outbound, talk, spec=spec, leg=leg)
    assert held.run().end_reason == reason
    (answered,) = held.events("answered_by")
    assert answered.data["by"] == "unsure"


def test_detection_can_be_switched_off(outbound: CallOrder) -> None:
    talk = script(user_says(GREETING, from_s=0.5, to_s=3.0), answers=[answer("Hm.")])
    leg = FakeLeg(talk, ends_at_s=7)
    held = HeldCall(outbound, talk, spec=make_spec(voicemail_detection=False), leg=leg)
    assert held.run().end_reason == "user_hangup"
    assert held.events("answered_by") == []


def test_keys_are_pressed_on_the_line(outbound: CallOrder) -> None:
    async def press(held: HeldCall) -> None:
        await held.at(2.0)
        await held.live.send_digits("12#")

    leg = FakeLeg(ends_at_s=4)
    held = HeldCall(outbound, leg.script, leg=leg)
    held.run(press)
    assert leg.sent_digits == "12#"


def test_an_assistant_that_is_muted_neither_speaks_nor_listens(
    outbound: CallOrder,
) -> None:
    async def mute(held: HeldCall) -> None:
        await held.at(1.0)
        await held.live.quiet(True)
        await held.at(6.0)
        await held.live.quiet(False)

    talk = script(
        user_says("Are you there", from_s=2.0, to_s=3.0),
        user_says("And now", from_s=8.0, to_s=8.8),
        answers=[answer("Yes, here I am.")],
    )
    leg = FakeLeg(talk, ends_at_s=13)
    held = HeldCall(
        outbound, talk, spec=make_spec("One two three four five six."), leg=leg
    )
    held.run(mute)
    said = held.turns()
    assert said[0][0] == "assistant"
    assert said[0][1] != "One two three four five six."  # cut short
    assert said[1:] == [("user", "And now"), ("assistant", "Yes, here I am.")]
    silent = [sound for sound in leg.heard if 1.1 < sound.from_s < 8.0]
    assert silent == []


def press_at(at_s: float, key: str):
    async def press(held: HeldCall) -> None:
        await held.at(at_s)
        held.link.digits.press(key)

    return press


def test_one_key_is_enough_never_to_be_called_again(outbound: CallOrder) -> None:
    leg = FakeLeg(ends_at_s=20)
    order = replace(outbound, opt_out_digit="9")
    held = HeldCall(order, leg.script, spec=make_spec("Hello."), leg=leg)
    call = held.run(press_at(2.0, "9"), press_at(2.1, "9"))
    assert call.end_reason == "assistant_hangup"
    assert held.turns()[-1] == ("assistant", spoken(NOT_AGAIN, "en"))
    with all_organizations("test"):
        (wish,) = CallWish.objects.filter(call_id=call.pk)
    assert (wish.kind, wish.way) == (CallWish.Kind.DO_NOT_CALL, CallWish.Way.DIGIT)


def test_other_keys_mean_nothing_of_the_kind(outbound: CallOrder) -> None:
    leg = FakeLeg(ends_at_s=5)
    order = replace(outbound, opt_out_digit="9")
    held = HeldCall(order, leg.script, spec=make_spec("Hello."), leg=leg)
    assert held.run(press_at(2.0, "1")).end_reason == "user_hangup"


def test_a_wish_that_cannot_be_kept_is_not_promised(
    outbound: CallOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(order: CallOrder, way: str) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr("calls.node.wishes.leave_alone", away)
    leg = FakeLeg(ends_at_s=6)
    order = replace(outbound, opt_out_digit="9")
    held = HeldCall(order, leg.script, spec=make_spec("Hello."), leg=leg)
    call = held.run(press_at(2.0, "9"))
    assert call.end_reason == "user_hangup"
    assert spoken(NOT_AGAIN, "en") not in [text for _, text in held.turns()]
