"""A caller is not handed on to what may not be called, however it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calls.models import Transfer, VoiceNode
from calls.services.guarding import save_guard
from calls.services.running import CallOrder
from calls.services.transfers import (
    Failure,
    TransferNotPossible,
    dialled_number,
    plan_transfer,
)
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import order_for
from tests.world import House


@pytest.fixture
def order(bakery: House, node: VoiceNode) -> CallOrder:
    order = order_for(bakery, node)
    return replace(order, callee_number=bakery.number.number, carrier="simulator")


def asked(order: CallOrder, destination: str) -> Failure | None:
    """Try; return why it may not be, as it was written down."""
    try:
        plan_transfer(order=order, destination=destination, brief="", asked_by="api")
    except TransferNotPossible as error:
        why: Failure | None = error.failure
    else:
        why = None
    with all_organizations("test"):
        assert Transfer.objects.get().reason == (why or "")
    return why


@pytest.mark.parametrize(
    "destination",
    [
        "+319001234",
        "0900-1234",
        "tel:+319001234",
        "tel:0900-1234;phone-context=+31",
        "+499001234567890",
        "+881612345678",
        "sip:+19005551234@trunk.example",
        "sip:09001234@trunk.example",
        "sips:%2B319001234@trunk.example;transport=tls",
        "SIP:0031-900-1234@203.0.113.9:5060",
        "sip:+31900-1234;ext=2@trunk.example",
        "sip:+319001234:secret@trunk.example;user=phone",
        "sip:+4911833@trunk.example",
        "sip:00000000@trunk.example",
        "sip:123456@trunk.example",
    ],
)
def test_what_costs_the_caller_dear_is_refused(
    order: CallOrder, destination: str
) -> None:
    assert asked(order, destination) in {
        Failure.NOT_ALLOWED,
        Failure.BAD_DESTINATION,
    }


@pytest.mark.parametrize(
    "destination",
    [
        "1888",
        "112",
        "+31201234567;phone-context=+1900",
        "sip:bob@a.example?Replaces=abc",
        "sip:bob@a.example>\r\nX: y",
        "mailto:bob@a.example",
        "",
    ],
)
def test_what_is_no_destination_is_none(order: CallOrder, destination: str) -> None:
    assert asked(order, destination) is Failure.BAD_DESTINATION


@pytest.mark.parametrize(
    "destination",
    [
        "+31205551234",
        "020 555 1234",
        "sip:bob@office.example",
        "sip:201@pbx.example",
        "sip:+31205551234@trunk.example",
    ],
)
def test_what_may_be_called_is_tried(order: CallOrder, destination: str) -> None:
    assert asked(order, destination) is None


def test_a_country_that_was_not_chosen_is_none_in_a_sip_address_either(
    bakery: House, order: CallOrder
) -> None:
    with organization_scope(bakery.organization):
        save_guard(organization=bakery.organization, actor=None, countries=["NL"])
    assert asked(order, "sip:+18765551234@trunk.example") is Failure.NOT_ALLOWED


def test_the_number_of_a_sip_address_is_read_as_at_home() -> None:
    near = "+31201234567"
    assert dialled_number("sip:0205551234@x.example", near=near) == "+31205551234"
    assert dialled_number("sip:x.example") is None
