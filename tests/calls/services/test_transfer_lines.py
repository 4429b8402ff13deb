"""Handing a caller on takes a channel and a moment of the trunk, and gives both back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Call, PhoneNumber, Transfer, Trunk, VoiceNode
from calls.services.finish import Outcome, finish_call, sweep_lost_calls
from calls.services.running import CallOrder
from calls.services.transfers import (
    Failure,
    TransferNotPossible,
    TransferPlan,
    note_transfer,
    plan_transfer,
    take_line,
)
from calls.services.trunks import free_channels
from calls.session.events import EndReason
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import order_for
from tests.calls.services.test_inbound_reserve import with_trunk
from tests.world import House


@pytest.fixture
def number(bakery: House) -> PhoneNumber:
    return with_trunk(bakery, calls_per_second=2, max_channels=3)


@pytest.fixture
def order(bakery: House, node: VoiceNode, number: PhoneNumber) -> CallOrder:
    """A call of the trunk: one of its three channels is in use."""
    order = order_for(bakery, node)
    with all_organizations("test"):
        Call.objects.update(trunk=number.trunk, number=number)
    return replace(
        order,
        carrier="sip",
        direction=Call.Direction.INBOUND,
        callee_number=number.number,
        transfer_trunk_id=number.trunk_id,
    )


def asked(order: CallOrder) -> TransferPlan:
    return plan_transfer(
        order=order, destination="+31205551234", brief="", asked_by="api"
    )


def free(number: PhoneNumber) -> int:
    assert number.trunk is not None
    with all_organizations("test"):
        return free_channels(number.trunk)


def test_each_gets_a_moment_of_its_own(order: CallOrder) -> None:
    first = take_line(order=order, plan=asked(order))
    second = take_line(order=order, plan=asked(order))
    assert first is not None
    assert second is not None
    assert (second - first).total_seconds() == pytest.approx(0.52)


def test_one_that_only_waits_or_is_referred_takes_no_channel(
    order: CallOrder, number: PhoneNumber
) -> None:
    plan = asked(order)
    assert free(number) == 2
    note_transfer(order=order, transfer_id=plan.id, status="done", method="refer")
    assert free(number) == 2


def test_a_trunk_without_a_channel_refuses_and_takes_nothing(
    order: CallOrder, number: PhoneNumber, bakery: House
) -> None:
    plans = [asked(order) for _ in range(3)]
    for plan in plans[:2]:
        take_line(order=order, plan=plan)
    with pytest.raises(TransferNotPossible) as refusal:
        take_line(order=order, plan=plans[2])
    assert refusal.value.failure is Failure.TRUNK_FULL
    with organization_scope(bakery.organization):
        row = Transfer.objects.get(pk=plans[2].id)
    assert (row.status, row.trunk_id) == ("asked", None)


def test_asking_for_another_moment_takes_no_second_channel(
    order: CallOrder, number: PhoneNumber
) -> None:
    plan = asked(order)
    take_line(order=order, plan=plan)
    take_line(order=order, plan=plan)
    assert free(number) == 1


@pytest.mark.parametrize("how", ["it fails", "the call ends", "the process is killed"])
def test_every_end_gives_the_channel_back(
    order: CallOrder, number: PhoneNumber, how: str
) -> None:
    plan = asked(order)
    take_line(order=order, plan=plan)
    note_transfer(order=order, transfer_id=plan.id, status="bridged")
    assert free(number) == 1
    if how == "it fails":
        note_transfer(order=order, transfer_id=plan.id, status="failed", reason="busy")
        assert free(number) == 2
        return
    if how == "the call ends":
        ended = Outcome(EndReason.USER_HANGUP)
        finish_call(call_id=order.call_id, scope=order.scope, outcome=ended)
    else:
        with all_organizations("test"):
            Call.objects.update(lease_until="2020-01-01T00:00:00Z")
        assert sweep_lost_calls() == 1
    assert free(number) == 3


def test_a_trunk_that_is_taken_for_seconds_refuses(order: CallOrder) -> None:
    with all_organizations("test"):
        Trunk.objects.update(next_start_at=timezone.now() + timedelta(seconds=9))
    plan = asked(order)
    with pytest.raises(TransferNotPossible) as refusal:
        take_line(order=order, plan=plan)
    assert refusal.value.failure is Failure.TRUNK_FULL
