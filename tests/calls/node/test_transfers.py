"""Handing callers on: by the network, joined here, announced, and back when it fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from calls.models import Call, PhoneNumber, Transfer
from calls.node.taps import unheard
from calls.node.transferring import Transferring
from calls.services.running import CallOrder
from calls.services.trunks import add_trunk
from calls.telephony.protocol import (
    CarrierSetup,
    NoAnswerOutcome,
    NotAnswered,
    TransferFailure,
    TransferRefused,
)
from calls.telephony.registry import OpenCarriers
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, HeldCall, cost_of, wallet
from tests.calls.session.conversation import make_spec
from tests.fakes.incoming import FakeIncomingLeg
from tests.fakes.leg import FakeLeg
from tests.fakes.link import FakeLink
from tests.fakes.script import Script, answer, script, user_says
from tests.world import House

PERSON = "+31205551234"


class Phone(FakeLeg):
    """The person's telephone; presses keys by the second after it was answered."""

    def __init__(
        self, *, presses: tuple[tuple[float, str], ...] = (), **options: Any
    ) -> None:
        super().__init__(Script(), **options)
        self._presses = presses
        self._pressing: asyncio.Task[None] | None = None

    async def wait_answered(self) -> None:
        await super().wait_answered()
        self._pressing = asyncio.create_task(self._press())

    async def _press(self) -> None:
        for after_s, key in self._presses:
            await asyncio.sleep(after_s)
            self.digits.press(key)

    async def aclose(self) -> None:
        if self._pressing is not None:
            self._pressing.cancel()
            await asyncio.wait([self._pressing])
        await super().aclose()


class OnePhone(OpenCarriers):
    """Whatever is dialled, this telephone rings."""

    def __init__(self, phone: Phone) -> None:
        super().__init__(CarrierSetup())
        self.phone = phone
        self.requests: list[Any] = []
        self.names: list[str] = []

    def get(self, name: str) -> Any:
        self.names.append(name)
        return self

    async def place(self, request: Any) -> Any:
        self.requests.append(request)
        return self.phone


@pytest.fixture
def inbound(order: CallOrder) -> CallOrder:
    return replace(
        order,
        direction=Call.Direction.INBOUND,
        carrier="fake",
        caller_number="+31612345678",
        callee_number="+31201234502",
    )


NO_REFER = TransferRefused(TransferFailure.NOT_SUPPORTED)


def calling(
    order: CallOrder,
    phone: Phone,
    *,
    mode: str = "blind",
    refusal: TransferRefused | None = NO_REFER,
    ends_at_s: float | None = 30.0,
    utterances: tuple[Any, ...] = (),
) -> tuple[HeldCall, OnePhone]:
    talk = script(*utterances, answers=[answer("Sorry, nobody is there.")])
    leg = FakeIncomingLeg(talk, ends_at_s=ends_at_s)
    leg.transfer_refusal = refusal
    destination = {"number": PERSON, "description": "The owner", "mode": mode}
    tools = ({"type": "transfer_call", "destinations": [destination]},)
    spec = make_spec("Hello.", tools=tools)
    carriers = OnePhone(phone)
    held = HeldCall(order, talk, spec=spec, incoming=leg)
    held._transfer = Transferring(held.order, carriers, held.studio, lambda: held.live)
    return held, carriers


async def ask(held: HeldCall) -> None:
    await held.at(2.0)
    held.live.begin_transfer(PERSON, "A word for you.", "api")


def tries(held: HeldCall) -> list[Transfer]:
    with all_organizations("test"):
        return list(Transfer.objects.filter(call_id=held.order.call_id))


def test_the_network_takes_the_caller_over(inbound: CallOrder, bakery: House) -> None:
    held, carriers = calling(inbound, Phone(), refusal=None)
    call = held.run(ask)
    assert held.link.transfers == [PERSON]
    assert carriers.requests == []
    assert (call.status, call.end_reason) == ("transferred", "transferred")
    (done,) = tries(held)
    assert (done.status, done.method, done.asked_by) == ("done", "refer", "api")
    assert ("assistant", "A word for you.") in held.turns()
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_where_the_trunk_refuses_both_are_joined_here_and_the_bill_goes_on(
    inbound: CallOrder, bakery: House
) -> None:
    phone = Phone(rings_s=3)
    held, carriers = calling(inbound, phone, ends_at_s=40)
    call = held.run(ask)
    (request,) = carriers.requests
    assert (request.destination, request.caller_id) == (PERSON, "+31201234502")
    assert (call.status, call.end_reason) == ("transferred", "transferred")
    assert call.duration_ms == pytest.approx(40_000, abs=500)
    assert call.billed_seconds in (40, 41)
    (done,) = tries(held)
    assert (done.status, done.method) == ("bridged", "bridge")
    assert phone.close_count > 0
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_two_who_are_joined_hear_each_other(inbound: CallOrder) -> None:
    phone = Phone(rings_s=1)
    phone.script = script(user_says("I am the owner", from_s=4.0, to_s=6.0))
    held, _ = calling(
        inbound,
        phone,
        ends_at_s=20,
        utterances=(user_says("Hello owner", from_s=8.0, to_s=10.0),),
    )
    call = held.run(ask)
    assert held.link.heard[-1].to_s - held.link.heard[-1].from_s >= 1.9
    assert phone.heard[-1].to_s - phone.heard[-1].from_s >= 1.9
    # The recording goes on: the person where the assistant was, as long as the call.
    assert call.recording_ms == pytest.approx(20_000, abs=300)
    bucket_ms = call.waveform["bucket_ms"]

    def loudest(side: str, from_ms: int, to_ms: int) -> int:
        return max(call.waveform[side][from_ms // bucket_ms : to_ms // bucket_ms])

    assert loudest("assistant", 7_500, 9_000) > 0
    assert loudest("caller", 8_500, 9_500) > 0


def test_keys_pass_between_two_who_are_joined(inbound: CallOrder) -> None:
    """As in the menu of a switchboard, and its answer."""
    phone = Phone(rings_s=1, presses=((8.0, "9"),))
    held, _ = calling(inbound, phone, ends_at_s=20)

    async def press(held: HeldCall) -> None:
        for at_s, key in ((1.0, "7"), (10.0, "4"), (10.5, "#")):
            await held.at(at_s)  # the first is pressed at the assistant
            held.link.digits.press(key)

    held.run(ask, press)
    assert phone.sent_digits == "4#"
    assert held.link.sent_digits == "9"


def test_whoever_hangs_up_ends_it_for_both(inbound: CallOrder) -> None:
    phone = Phone(rings_s=1, ends_at_s=10)
    held, _ = calling(inbound, phone, ends_at_s=60)
    call = held.run(ask)
    assert call.end_reason == "transferred"
    assert call.duration_ms < 20_000
    assert held.link.close_count > 0


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NoAnswerOutcome.BUSY, "busy"),
        (NoAnswerOutcome.NO_ANSWER, "no_answer"),
        (NoAnswerOutcome.REJECTED, "refused"),
        (NoAnswerOutcome.FAILED, "failed"),
    ],
)
def test_a_person_who_is_not_reached_leaves_the_caller_with_the_assistant(
    inbound: CallOrder, outcome: NoAnswerOutcome, reason: str
) -> None:
    phone = Phone(rings_s=3, refusal=NotAnswered(outcome, "486 Busy Here"))
    held, _ = calling(inbound, phone, ends_at_s=15)
    call = held.run(ask)
    assert call.end_reason == "user_hangup"
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", reason)
    assert failed.detail == "486 Busy Here"
    assert held.turns()[-1] == ("assistant", "Sorry, nobody is there.")


def test_a_caller_is_announced_and_taken_with_a_one(inbound: CallOrder) -> None:
    phone = Phone(rings_s=1, presses=((4.0, "1"),))
    held, _ = calling(inbound, phone, mode="warm", refusal=None, ends_at_s=30)
    call = held.run(ask)
    assert held.link.transfers == []  # the network cannot announce
    assert call.end_reason == "transferred"
    (done,) = tries(held)
    assert (done.kind, done.status) == ("warm", "bridged")
    assert done.answered_at is not None
    assert done.brief == "A word for you."


@pytest.mark.parametrize(
    ("presses", "reason"),
    [
        (((4.0, "2"),), "declined"),
        ((), "not_accepted"),
        (((2.0, "5"),), "not_accepted"),
    ],
)
def test_a_caller_who_is_not_taken_comes_back(
    inbound: CallOrder, presses: tuple[tuple[float, str], ...], reason: str
) -> None:
    phone = Phone(rings_s=1, presses=presses)
    held, _ = calling(inbound, phone, mode="warm", ends_at_s=50)
    call = held.run(ask)
    assert call.end_reason == "user_hangup"
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", reason)
    assert phone.close_count > 0
    assert held.turns()[-1] == ("assistant", "Sorry, nobody is there.")


def test_a_caller_who_leaves_meanwhile_rings_nobody_any_more(
    inbound: CallOrder,
) -> None:
    phone = Phone(rings_s=20)
    held, _ = calling(inbound, phone, ends_at_s=6)
    call = held.run(ask)
    assert call.end_reason == "user_hangup"
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", "caller_left")
    assert phone.close_count > 0


@pytest.mark.parametrize("at_s", [0.2, 1.5, 4.0, 9.0])
def test_a_person_who_hangs_up_while_told_of_the_caller_leaves_the_caller_here(
    inbound: CallOrder, at_s: float
) -> None:
    phone = Phone(rings_s=1, ends_at_s=at_s)
    held, _ = calling(inbound, phone, mode="warm", ends_at_s=50)
    call = held.run(ask)
    assert call.end_reason == "user_hangup"
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", "not_accepted")
    assert phone.close_count > 0
    assert held.turns()[-1] == ("assistant", "Sorry, nobody is there.")


@pytest.mark.parametrize("at_s", [2.1, 3.0, 4.0, 5.0, 6.5, 8.0, 8.1, 12.0])
def test_a_caller_may_leave_at_any_moment_of_being_announced(
    inbound: CallOrder, bakery: House, at_s: float
) -> None:
    """While the assistant says so, it rings, the person is told, presses, or took over."""
    phone = Phone(rings_s=1, presses=((4.0, "1"),))
    held, carriers = calling(inbound, phone, mode="warm", ends_at_s=at_s)
    call = held.run(ask)
    assert call.status in ("ended", "transferred")
    for tried in tries(held):
        is_joined = call.end_reason == "transferred"
        assert tried.status == ("bridged" if is_joined else "failed")
        assert tried.reason == ("" if is_joined else "caller_left")
    assert phone.close_count > 0 or not carriers.requests
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


@pytest.mark.parametrize("destination", ["12", "sip:nobody at home", "+31"])
def test_what_is_no_destination_is_not_tried(
    inbound: CallOrder, destination: str
) -> None:
    held, carriers = calling(inbound, Phone(), ends_at_s=8)

    async def wrong(held: HeldCall) -> None:
        await held.at(2.0)
        held.live.begin_transfer(destination, "", "api")

    held.run(wrong)
    assert carriers.requests == []
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", "bad_destination")


class Ringing:
    """What a caller hears, as a recorder would; tells when 425 Hz sounds."""

    def __init__(self) -> None:
        self.rings_s: list[float] = []

    def assistant(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        samples = np.frombuffer(pcm, np.int16).astype(float)
        at_s = np.arange(samples.size) / rate_hz
        power = abs(samples @ np.exp(-2j * np.pi * 425 * at_s)) / max(samples.size, 1)
        if power > 800:
            self.rings_s.append(offset_ms / 1000)

    async def listen(self, held: HeldCall) -> None:
        await held.at(1.0)
        assert held.live.conversation is not None
        assert held.live.conversation.taps is not None
        held.live.conversation.taps.add(caller=unheard, assistant=self.assistant)
        await asyncio.sleep(60)


def test_the_caller_hears_it_ring_until_somebody_answers(inbound: CallOrder) -> None:
    heard = Ringing()
    held, _ = calling(inbound, Phone(rings_s=8), ends_at_s=30)
    held.run(ask, heard.listen)
    rings = heard.rings_s
    assert len(rings) in range(90, 111)  # two rings of a second, four seconds between
    assert max(rings) - min(rings) == pytest.approx(6.0, abs=0.2)


def browser_call(order: CallOrder, phone: Phone) -> tuple[HeldCall, OnePhone]:
    talk = script(answers=[answer("Sorry, nobody is there.")])
    link = FakeLink(talk, ends_at_s=30)
    held = HeldCall(order, talk, link=link)
    carriers = OnePhone(phone)
    held._transfer = Transferring(held.order, carriers, held.studio, lambda: held.live)
    return held, carriers


def test_a_caller_in_a_browser_is_joined_to_the_person_dialled(
    bakery: House, order: CallOrder
) -> None:
    with organization_scope(bakery.organization):
        trunk = add_trunk(
            organization=bakery.organization,
            values={"name": "Main", "host": "sip.example.com"},
            actor=None,
        )
        PhoneNumber.objects.filter(pk=bakery.number.pk).update(
            trunk=trunk, carrier="sip"
        )
    phone = Phone(rings_s=1, ends_at_s=12)
    phone.script = script(user_says("I am the owner", from_s=4.0, to_s=6.0))
    held, carriers = browser_call(order, phone)
    call = held.run(ask)
    (request,) = carriers.requests
    assert request.caller_id == bakery.number.number
    assert request.trunk_id == trunk.pk
    assert carriers.names == ["sip"]
    assert (call.status, call.end_reason) == ("transferred", "transferred")
    (done,) = tries(held)
    assert (done.status, done.method) == ("bridged", "bridge")
    assert done.trunk_id == trunk.pk  # a channel of it, for as long as the call lived
    assert held.link.heard[-1].to_s - held.link.heard[-1].from_s >= 1.9
    assert phone.close_count > 0


def test_a_browser_call_without_any_line_says_so_and_goes_on(
    bakery: House, order: CallOrder
) -> None:
    with organization_scope(bakery.organization):
        PhoneNumber.objects.update(carrier="sip", trunk=None)
    held, carriers = browser_call(order, Phone())
    call = held.run(ask)
    assert call.end_reason == "user_hangup"
    assert carriers.requests == []
    (failed,) = tries(held)
    assert (failed.status, failed.reason) == ("failed", "no_trunk")
