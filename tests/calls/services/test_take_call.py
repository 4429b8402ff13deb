"""Calls that come in: whose number, may it be answered, and a row that says why not."""

from __future__ import annotations

from typing import Any

import pytest

from billing.alerts import watch_of
from billing.models import Hold
from calls.models import Call, CallEvent, CallGuard, PhoneNumber, VoiceNode
from calls.services.inbound import Caller, Taken, TurnedAway, take_call
from calls.services.trunks import add_trunk
from calls.services.web import start_web_call
from calls.session.events import EndReason
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, leave_in_wallet, wallet
from tests.world import House

CALLER = "+31612345678"


def caller(house: House, **changes: Any) -> Caller:
    values: dict[str, Any] = {
        "carrier": "simulator",
        "trunk_id": None,
        "reference": "abc",
        "caller": CALLER,
        "called": house.number.number,
    }
    return Caller(**(values | changes))


def take(who: Caller, node: VoiceNode) -> Taken | TurnedAway | None:
    return take_call(caller=who, node_id=node.pk)


def calls() -> list[Call]:
    with all_organizations("test"):
        return list(Call.objects.all())


def change(house: House, **values: Any) -> None:
    with organization_scope(house.organization):
        PhoneNumber.objects.filter(pk=house.number.pk).update(**values)


def test_a_call_to_a_number_is_held_where_it_came_in(
    bakery: House, node: VoiceNode
) -> None:
    VoiceNode.objects.create(
        host="idle", pid=2, capacity=50, heartbeat_at=node.heartbeat_at
    )
    taken = take(caller(bakery), node)
    assert isinstance(taken, Taken)
    assert taken.order.caller_number == CALLER
    (call,) = calls()
    assert call.pk == taken.order.call_id
    assert (call.direction, call.status) == ("inbound", "connecting")
    assert call.node_id == node.pk
    assert call.assistant_id == bakery.assistant.pk
    assert call.callee_number == bakery.number.number
    with all_organizations("test"):
        assert Hold.objects.filter(source_id=call.pk).exists()


def test_the_same_call_shown_twice_is_one_call(bakery: House, node: VoiceNode) -> None:
    assert isinstance(take(caller(bakery), node), Taken)
    assert take(caller(bakery), node) is None
    assert len(calls()) == 1


def test_nobodys_number_leaves_no_row(bakery: House, node: VoiceNode) -> None:
    away = take(caller(bakery, called="+31201234999"), node)
    assert away == TurnedAway(None)
    assert calls() == []


def test_a_trunk_brings_no_calls_to_another_organizations_numbers(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    with organization_scope(garage.organization):
        theirs = add_trunk(
            organization=garage.organization,
            values={"name": "Theirs", "host": "sip.example.com"},
            actor=None,
        )
    with organization_scope(bakery.organization):
        ours = add_trunk(
            organization=bakery.organization,
            values={"name": "Ours", "host": "sip.example.com"},
            actor=None,
        )
    change(bakery, carrier="sip", trunk=ours)
    stranger = caller(bakery, carrier="sip", trunk_id=theirs.pk)
    assert take(stranger, node) == TurnedAway(None)
    assert calls() == []
    mine = caller(bakery, carrier="sip", trunk_id=ours.pk)
    assert isinstance(take(mine, node), Taken)


@pytest.mark.parametrize("written", ["31201234502", "0031201234502", "0201234502"])
def test_a_trunk_writes_the_number_its_own_way(
    bakery: House, node: VoiceNode, written: str
) -> None:
    with organization_scope(bakery.organization):
        trunk = add_trunk(
            organization=bakery.organization,
            values={"name": "Ours", "host": "sip.example.com"},
            actor=None,
        )
    change(bakery, carrier="sip", trunk=trunk)
    who = caller(
        bakery, carrier="sip", trunk_id=trunk.pk, called=written, caller="0612345678"
    )
    taken = take(who, node)
    assert isinstance(taken, Taken)
    assert taken.order.caller_number == CALLER


def test_a_withheld_number_is_no_number(bakery: House, node: VoiceNode) -> None:
    taken = take(caller(bakery, caller="anonymous"), node)
    assert isinstance(taken, Taken)
    assert taken.order.caller_number == ""


def switch_off_number(house: House) -> None:
    change(house, is_active=False)


def take_assistant_away(house: House) -> None:
    change(house, assistant=None)


def switch_off_assistant(house: House) -> None:
    with organization_scope(house.organization):
        type(house.assistant).objects.update(is_active=False)


def suspend(house: House) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=house.organization.pk).update(status="suspended")


def use_up_minutes(house: House) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=house.organization.pk).update(
            max_minutes_per_month=0
        )


def reach_the_limit(house: House) -> None:
    """What is put aside for a call that goes on counts as spent."""
    with organization_scope(house.organization):
        start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        )
        CallGuard.objects.create(organization=house.organization, hourly_microcredits=1)


def fill_lines(house: House) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=house.organization.pk).update(
            max_concurrent_calls=1
        )
    with organization_scope(house.organization):
        start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        )


def fill_node(house: House) -> None:
    VoiceNode.objects.update(capacity=1)
    with organization_scope(house.organization):
        start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        )


def spend(house: House) -> None:
    leave_in_wallet(house, 1)


@pytest.mark.parametrize(
    ("prepare", "reason", "status", "message"),
    [
        (switch_off_number, EndReason.NUMBER_INACTIVE, "rejected", "closed"),
        (take_assistant_away, EndReason.NO_ASSISTANT, "rejected", "closed"),
        (switch_off_assistant, EndReason.NO_ASSISTANT, "rejected", "closed"),
        (suspend, EndReason.ORGANIZATION_SUSPENDED, "rejected", "suspended"),
        (use_up_minutes, EndReason.MINUTES_USED_UP, "rejected", "suspended"),
        (reach_the_limit, EndReason.SPENDING_LIMIT, "rejected", "suspended"),
        (fill_lines, EndReason.TOO_MANY_CALLS, "rejected", "busy"),
        (fill_node, EndReason.NO_CAPACITY, "failed", "busy"),
        (spend, EndReason.INSUFFICIENT_CREDITS, "rejected", "suspended"),
    ],
)
def test_a_call_that_is_not_taken_says_why_and_costs_nothing(
    bakery: House,
    node: VoiceNode,
    prepare: Any,
    reason: EndReason,
    status: str,
    message: str,
) -> None:
    change(
        bakery,
        busy_message="busy",
        closed_message="closed",
        suspended_message="suspended",
    )
    prepare(bakery)
    before = len(calls())
    away = take(caller(bakery), node)
    assert isinstance(away, TurnedAway)
    assert (away.reason, away.message) == (reason, message)
    assert away.call_id is not None
    with all_organizations("test"):
        call = Call.objects.get(pk=away.call_id)
        assert not Hold.objects.filter(source_id=call.pk).exists()
        event = CallEvent.objects.get(call=call)
    assert (call.status, call.end_reason) == (status, str(reason))
    assert call.caller_number == CALLER
    assert call.settled_at is not None
    assert event.kind == "turned_away"
    assert take(caller(bakery), node) is None
    assert len(calls()) == before + 1


def test_a_number_without_a_message_says_nothing(
    bakery: House, node: VoiceNode
) -> None:
    switch_off_number(bakery)
    away = take(caller(bakery), node)
    assert isinstance(away, TurnedAway)
    assert away.message == ""
    assert wallet(bakery) == FULL


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Mail us instead.", "Mail us instead."),
        ("", "We cannot take your call at the moment. Please call again later."),
    ],
)
def test_a_caller_of_a_number_without_credits_hears_what_is_set_for_it(
    bakery: House, node: VoiceNode, written: str, heard: str
) -> None:
    with organization_scope(bakery.organization):
        watch = watch_of(bakery.organization)
        watch.unpaid_message = written
        watch.save(update_fields=["unpaid_message"])
    spend(bakery)
    away = take(caller(bakery), node)
    assert isinstance(away, TurnedAway)
    assert (away.reason, away.message) == (EndReason.INSUFFICIENT_CREDITS, heard)
    assert wallet(bakery) == 1


def test_a_caller_hears_a_sentence_of_ours_when_the_minutes_are_used_up(
    bakery: House, node: VoiceNode
) -> None:
    use_up_minutes(bakery)
    away = take(caller(bakery), node)
    assert isinstance(away, TurnedAway)
    assert away.message == (
        "We cannot take your call at the moment. Please call again later."
    )


def test_a_portal_that_is_off_says_its_own_words(
    bakery: House, node: VoiceNode
) -> None:
    change(bakery, suspended_message="suspended")
    portal = bakery.portal
    portal.is_enabled, portal.disabled_speech = False, "We are back on Monday."
    portal.save(update_fields=["is_enabled", "disabled_speech"])
    away = take(caller(bakery), node)
    assert isinstance(away, TurnedAway)
    assert away.reason == EndReason.ORGANIZATION_SUSPENDED
    assert away.message == "We are back on Monday."
    # With no words of its own, the number's.
    portal.disabled_speech = ""
    portal.save(update_fields=["disabled_speech"])
    quiet = take(caller(bakery, reference="def"), node)
    assert isinstance(quiet, TurnedAway)
    assert quiet.message == "suspended"
