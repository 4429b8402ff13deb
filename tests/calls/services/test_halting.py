"""The switch that stops calls: none starts, and those going on end."""

from __future__ import annotations

import pytest

from calls.errors import CallsHalted
from calls.models import Call, Halt, VoiceNode
from calls.services.halting import halt_calls, lift_halt
from calls.services.web import start_web_call
from calls.session.events import EndReason
from portal.models import AuditRecord
from portal.scope import all_organizations, organization_scope
from tests.world import House


def start(house: House) -> Call:
    with organization_scope(house.organization):
        return start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call


def stop_reason(call: Call) -> str:
    with all_organizations("test"):
        return Call.objects.get(pk=call.pk).stop_reason


def test_a_client_is_stopped_alone(
    acme: House, bakery: House, garage: House, node: VoiceNode
) -> None:
    live, others = start(bakery), [start(acme), start(garage)]
    assert halt_calls(organization=bakery.organization, reason="Fraud", actor=None) == 1
    assert stop_reason(live) == EndReason.OPERATOR_HANGUP
    assert [stop_reason(call) for call in others] == ["", ""]
    with pytest.raises(CallsHalted):
        start(bakery)
    assert start(acme).pk


def test_an_agency_is_stopped_with_its_clients(
    acme: House, bakery: House, garage: House, node: VoiceNode
) -> None:
    live = [start(acme), start(bakery)]
    assert halt_calls(organization=acme.organization, reason="Fraud", actor=None) == 2
    assert {stop_reason(call) for call in live} == {EndReason.OPERATOR_HANGUP}
    for house in (acme, bakery):
        with pytest.raises(CallsHalted):
            start(house)
    assert start(garage).pk


def test_the_operator_stops_everybody_and_lifts_it(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    start(bakery)
    start(garage)
    assert halt_calls(organization=None, reason="Maintenance", actor=None) == 2
    for house in (bakery, garage):
        with pytest.raises(CallsHalted):
            start(house)
    assert lift_halt(organization=None, actor=None)
    assert not lift_halt(organization=None, actor=None)
    assert start(bakery).pk


def test_lifting_everybodys_halt_leaves_a_clients_own(
    bakery: House, node: VoiceNode
) -> None:
    halt_calls(organization=bakery.organization, reason="Fraud", actor=None)
    halt_calls(organization=None, reason="Maintenance", actor=None)
    lift_halt(organization=None, actor=None)
    with pytest.raises(CallsHalted):
        start(bakery)


def test_a_second_halt_is_the_same_one(bakery: House, node: VoiceNode) -> None:
    for _ in range(2):
        halt_calls(organization=bakery.organization, reason="Fraud", actor=None)
    assert Halt.objects.count() == 1
    with organization_scope(bakery.organization):
        assert AuditRecord.objects.filter(action="calls.halted").exists()
