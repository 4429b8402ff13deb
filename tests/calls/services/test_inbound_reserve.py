"""A share of the lines is kept for callers: our own calls leave it free."""

from __future__ import annotations

import pytest

from calls.errors import NoCapacity, TooManyCalls
from calls.models import PhoneNumber, VoiceNode
from calls.services.inbound import Taken
from calls.services.outbound import place_call
from calls.services.trunks import TrunkFull, add_trunk
from common.ids import uuid7
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.calls.services.test_take_call import caller, take
from tests.world import House


def dial(house: House, number: PhoneNumber | None = None) -> None:
    with organization_scope(house.organization):
        place_call(
            organization=house.organization,
            assistant=house.assistant,
            destination="+31205550001",
            call_id=uuid7(),
            actor=None,
            number=number,
        )


def with_trunk(house: House, **values: object) -> PhoneNumber:
    with organization_scope(house.organization):
        trunk = add_trunk(
            organization=house.organization,
            values={"name": "Main", "host": "sip.example.com"} | values,
            actor=None,
        )
        PhoneNumber.objects.filter(pk=house.number.pk).update(
            trunk=trunk, carrier="sip"
        )
        return PhoneNumber.objects.select_related("trunk").get(pk=house.number.pk)


def test_calls_out_leave_lines_of_the_organization_free(
    bakery: House, node: VoiceNode
) -> None:
    VoiceNode.objects.update(capacity=100)
    with all_organizations("test"):
        Organization.objects.filter(pk=bakery.organization.pk).update(
            max_concurrent_calls=5
        )
    number = with_trunk(bakery)
    for _ in range(4):
        dial(bakery)
    with pytest.raises(TooManyCalls):
        dial(bakery)
    who = caller(bakery, carrier="sip", trunk_id=number.trunk_id)
    assert isinstance(take(who, node), Taken)


def test_calls_out_leave_places_of_a_voice_process_free(
    bakery: House, node: VoiceNode
) -> None:
    VoiceNode.objects.update(capacity=5)
    for _ in range(4):
        dial(bakery)
    with pytest.raises(NoCapacity):
        dial(bakery)
    assert isinstance(take(caller(bakery), node), Taken)


def test_a_trunk_carries_no_more_than_its_channels(
    bakery: House, node: VoiceNode
) -> None:
    number = with_trunk(bakery, max_channels=2)
    dial(bakery, number)
    dial(bakery, number)
    with pytest.raises(TrunkFull):
        dial(bakery, number)
    dial(bakery)  # without the trunk
