"""The database keeps how many calls an organization has."""

from __future__ import annotations

from calls.models import Call, CallCount, VoiceNode
from calls.queries import count_calls
from calls.services.web import start_web_call
from portal.scope import all_organizations, organization_scope
from tests.world import House


def start(house: House) -> Call:
    with organization_scope(house.organization):
        return start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call


def counted(house: House) -> int:
    with organization_scope(house.organization):
        assert count_calls(house.organization) == Call.objects.count()
        return count_calls(house.organization)


def test_it_follows_what_comes_and_goes(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    assert (counted(bakery), counted(garage)) == (0, 0)
    calls = [start(bakery) for _ in range(3)]
    start(garage)
    assert (counted(bakery), counted(garage)) == (3, 1)
    with all_organizations("as the sweeper of old calls"):
        Call.objects.filter(pk__in=[one.pk for one in calls[:2]]).delete()
    assert (counted(bakery), counted(garage)) == (1, 1)


def test_another_organizations_count_is_not_seen(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    start(garage)
    with organization_scope(bakery.organization):
        assert not CallCount.objects.exists()
