"""The database goes away during a call and comes back: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from calls.models import VoiceNode
from calls.node.scribe import FLUSH_TIMEOUT_S
from calls.services.running import CallOrder
from tests.calls.node.held import FULL, HeldCall, cost_of, order_for, wallet
from tests.calls.session.conversation import make_spec
from tests.fakes.script import Script, answer, script, user_says
from tests.world import House

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Outage:
    """The database answers nothing while `is_on`; counts what was asked meanwhile."""

    def __init__(self) -> None:
        self.is_on = False
        self.refused = 0

    def __call__(self, execute: Any, *statement: Any) -> Any:
        if self.is_on:
            self.refused += 1
            raise OperationalError("server closed the connection unexpectedly")
        return execute(*statement)

    def between(self, from_s: float, to_s: float) -> Any:
        async def go_away(held: HeldCall) -> None:
            await held.at(from_s)
            self.is_on = True
            await held.at(to_s)
            self.is_on = False

        return go_away


@pytest.fixture
def outage() -> Iterator[Outage]:
    outage = Outage()
    with connection.execute_wrapper(outage):
        yield outage


@pytest.fixture
def order(bakery: House, node: VoiceNode, inline_database: None) -> CallOrder:
    return order_for(bakery, node)


def busy() -> Script:
    return script(
        user_says("one", from_s=2.0, to_s=2.5),
        user_says("two", from_s=5.0, to_s=5.5),
        answers=[answer("First."), answer("Second.")],
    )


ALL_SAID = [
    ("assistant", "Hello."),
    ("user", "one"),
    ("assistant", "First."),
    ("user", "two"),
    ("assistant", "Second."),
]


@pytest.mark.parametrize(
    ("from_s", "to_s"),
    [
        (0.2, 3.2),  # in the middle of the first turn
        (2.0, 7.5),  # two turns and more
        (7.5, 10.5),  # when the call ends
        (0.2, 8 + FLUSH_TIMEOUT_S - 2),  # nearly all of it, and the end
    ],
)
def test_a_database_away_in_a_call_costs_no_turn_and_no_second(
    order: CallOrder, bakery: House, outage: Outage, from_s: float, to_s: float
) -> None:
    held = HeldCall(order, busy(), spec=make_spec("Hello."))
    held.link.ends_at_s = 8
    call = held.run(outage.between(from_s, to_s))
    assert outage.refused > 1
    assert (call.status, call.end_reason) == ("ended", "user_hangup")
    assert held.turns() == ALL_SAID
    assert call.billed_seconds == 8
    assert wallet(bakery) == FULL - cost_of(8)


def test_a_database_away_when_the_audio_connects_is_waited_for_and_not_billed(
    order: CallOrder, bakery: House, outage: Outage
) -> None:
    held = HeldCall(order, Script(), spec=make_spec("Hello."))
    held.link.ends_at_s = 8
    outage.is_on = True
    call = held.run(outage.between(0, 3))
    assert call.end_reason == "user_hangup"
    assert call.billed_seconds in (5, 6)  # what was left of the eight
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_a_database_that_stays_away_at_the_start_ends_the_call_free(
    order: CallOrder, bakery: House, outage: Outage
) -> None:
    outage.is_on = True
    held = HeldCall(order, Script())
    call = held.run(outage.between(0, 20))
    assert (call.status, call.end_reason) == ("failed", "internal_error")
    assert held.link.closed_at_s is not None
    assert held.link.closed_at_s < 6
    assert wallet(bakery) == FULL
