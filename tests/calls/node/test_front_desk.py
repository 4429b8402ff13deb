"""Calls that carriers bring: rung, asked about, let in, or told why not before answering."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from calls.models import Call, PhoneNumber, VoiceNode
from calls.node.asking import Rejected
from calls.node.front_desk import FrontDesk
from calls.services.running import CallOrder
from calls.telephony.protocol import IncomingCall
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, FakeStudio, on_test_connection, wallet
from tests.fakes.incoming import FakeIncomingLeg
from tests.fakes.script import Script
from tests.world import House


class Desk:
    """A front desk whose calls are held by nobody."""

    def __init__(self, node: VoiceNode, ask: Any = None) -> None:
        self.admitted: list[CallOrder] = []
        self.desk = FrontDesk(node.pk, FakeStudio(Script()), self._admit, ask=ask)

    def _admit(self, order: CallOrder, leg: Any) -> asyncio.Task[None]:
        self.admitted.append(order)
        return asyncio.create_task(asyncio.sleep(1))

    def receive(self, called: str) -> FakeIncomingLeg:
        async def scenario() -> FakeIncomingLeg:
            leg = FakeIncomingLeg(Script())
            as_leg: Any = leg  # its `hang_up` is sync
            await self.desk.receive(
                IncomingCall(
                    carrier="simulator",
                    trunk_id=None,
                    reference="abc",
                    caller="+31612345678",
                    called=called,
                    leg=as_leg,
                )
            )
            await leg.aclose()
            return leg

        return on_test_connection(scenario())


@pytest.fixture
def desk(node: VoiceNode, inline_database: None) -> Desk:
    return Desk(node)


def call() -> Call:
    with all_organizations("test"):
        return Call.objects.get()


def change(house: House, **values: Any) -> None:
    with organization_scope(house.organization):
        PhoneNumber.objects.filter(pk=house.number.pk).update(**values)


def test_a_call_rings_and_is_let_in(bakery: House, desk: Desk) -> None:
    leg = desk.receive(bakery.number.number)
    assert leg.done == ["ring"]
    assert [order.call_id for order in desk.admitted] == [call().pk]


def test_nobodys_number_is_turned_away_without_a_trace(
    bakery: House, desk: Desk
) -> None:
    leg = desk.receive("+31201234999")
    assert leg.done == ["reject:unknown_number"]
    with all_organizations("test"):
        assert not Call.objects.exists()


def test_a_message_is_said_before_the_call_is_answered(
    bakery: House, desk: Desk
) -> None:
    change(bakery, is_active=False, closed_message="We are closed today")
    leg = desk.receive(bakery.number.number)
    assert leg.done == ["early", "reject:unavailable"]
    (sound,) = leg.heard
    assert sound.to_s - sound.from_s == pytest.approx(1.0, abs=0.05)  # four words
    assert call().end_reason == "number_inactive"
    assert wallet(bakery) == FULL
    assert desk.admitted == []


def test_without_a_message_the_network_says_so(bakery: House, desk: Desk) -> None:
    change(bakery, assistant=None)
    leg = desk.receive(bakery.number.number)
    assert leg.done == ["reject:unavailable"]
    assert leg.heard == []


def test_a_desk_that_closes_sends_callers_elsewhere(bakery: House, desk: Desk) -> None:
    desk.desk.is_open = False
    assert desk.receive(bakery.number.number).done == ["reject:over_limit"]
    with all_organizations("test"):
        assert not Call.objects.exists()


def test_the_customers_system_may_choose_and_may_refuse(
    bakery: House, node: VoiceNode, inline_database: None
) -> None:
    async def choose(order: CallOrder) -> CallOrder:
        return replace(order, spec=order.spec.model_copy(update={"name": "Chosen"}))

    chosen = Desk(node, choose)
    chosen.receive(bakery.number.number)
    assert chosen.admitted[0].spec.name == "Chosen"
    with all_organizations("test"):
        Call.objects.all().delete()

    async def refuse(order: CallOrder) -> CallOrder:
        raise Rejected("You are on our list")

    refusing = Desk(node, refuse)
    leg = refusing.receive(bakery.number.number)
    assert leg.done == ["ring", "early", "reject:declined"]
    assert (call().status, call().end_reason) == ("rejected", "request_rejected")
    assert call().error == "You are on our list"
