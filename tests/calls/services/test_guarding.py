"""Calls that look like fraud are refused before anything is held or dialed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.ledger import wallet_balance
from calls.errors import DestinationRefused, SpendingTooFast
from calls.models import Call, CallGuard, VoiceNode
from calls.services import guarding
from calls.services.guarding import Guard, GuardRefused, guard_of, save_guard
from calls.services.outbound import place_call
from calls.services.web import start_web_call
from common.ids import uuid7
from portal.models import AuditRecord, Organization
from portal.scope import all_organizations, organization_scope
from tests.world import House


def dial(house: House, destination: str = "+31205550001") -> Call:
    with organization_scope(house.organization):
        return place_call(
            organization=house.organization,
            assistant=house.assistant,
            destination=destination,
            call_id=uuid7(),
            actor=None,
        )


def guard(house: House, **choices: object) -> CallGuard:
    with organization_scope(house.organization):
        return save_guard(organization=house.organization, actor=None, **choices)


def untouched(house: House, node: VoiceNode) -> bool:
    with organization_scope(house.organization):
        no_calls = not Call.objects.exists()
        return no_calls and wallet_balance(house.organization).held == 0


@pytest.mark.parametrize("number", ["+319001234", "+881612345678"])
def test_a_costly_number_is_not_dialed(
    bakery: House, node: VoiceNode, number: str
) -> None:
    with pytest.raises(DestinationRefused):
        dial(bakery, number)
    assert untouched(bakery, node)


def test_an_agencys_countries_hold_for_its_clients(
    acme: House, bakery: House, garage: House, node: VoiceNode
) -> None:
    guard(acme, countries=["BE"])
    with pytest.raises(DestinationRefused, match="country"):
        dial(bakery)
    assert untouched(bakery, node)
    assert dial(bakery, "+32470123456").callee_number == "+32470123456"
    assert dial(garage).pk


def test_credits_of_an_hour_run_out(bakery: House, node: VoiceNode) -> None:
    guard(bakery, hourly_microcredits=1_000_000_000)
    first = dial(bakery)
    with all_organizations("test"):
        Call.objects.filter(pk=first.pk).update(cost_microcredits=1_000_000_000)
    with pytest.raises(SpendingTooFast, match="hour"):
        dial(bakery)
    with all_organizations("test"):
        Call.objects.filter(pk=first.pk).update(
            created_at=timezone.now() - timedelta(minutes=61)
        )
    assert dial(bakery).pk


def test_what_is_put_aside_for_live_calls_counts(
    bakery: House, node: VoiceNode
) -> None:
    dial(bakery)
    with organization_scope(bakery.organization):
        held = wallet_balance(bakery.organization).held
    assert held
    guard(bakery, hourly_microcredits=held + 1)
    dial(bakery)
    with pytest.raises(SpendingTooFast, match="hour"):
        dial(bakery)


def test_credits_of_a_day_run_out_for_browser_calls_too(
    bakery: House, node: VoiceNode
) -> None:
    guard(bakery, daily_microcredits=5)
    first = dial(bakery)
    with all_organizations("test"):
        Call.objects.filter(pk=first.pk).update(
            cost_microcredits=5, created_at=timezone.now() - timedelta(hours=23)
        )
    with (
        organization_scope(bakery.organization),
        pytest.raises(SpendingTooFast, match="day"),
    ):
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )


def test_a_new_organization_places_few_calls_on_its_first_day(
    bakery: House, node: VoiceNode
) -> None:
    guard(bakery, first_day_calls=2)
    dial(bakery)
    dial(bakery)
    with pytest.raises(SpendingTooFast, match="first day"):
        dial(bakery)
    with all_organizations("test"):
        Organization.objects.filter(pk=bakery.organization.pk).update(
            created_at=timezone.now() - timedelta(hours=25)
        )
    assert dial(bakery).pk


def test_none_on_the_first_day_is_none(bakery: House, node: VoiceNode) -> None:
    guard(bakery, first_day_calls=0)
    with pytest.raises(SpendingTooFast, match="first day"):
        dial(bakery)


def test_without_a_row_the_installations_defaults_hold(bakery: House) -> None:
    with organization_scope(bakery.organization):
        assert guard_of(bakery.organization) == Guard()
    assert Guard().first_day_calls == guarding.FIRST_DAY_CALLS


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("countries", {"countries": ["NL", "XX"]}),
        ("blocked_prefixes", {"blocked_prefixes": ["0900"]}),
        ("blocked_prefixes", {"blocked_prefixes": ["+31 9"]}),
        ("hourly_microcredits", {"hourly_microcredits": 0}),
        ("daily_microcredits", {"daily_microcredits": -1}),
    ],
)
def test_a_guard_that_cannot_be_is_refused(
    bakery: House, field: str, choices: dict[str, object]
) -> None:
    with pytest.raises(GuardRefused) as refused:
        guard(bakery, **choices)
    assert refused.value.field == field
    with organization_scope(bakery.organization):
        assert not CallGuard.objects.exists()


def test_a_change_is_written_down(bakery: House) -> None:
    guard(bakery, countries=["NL"])
    guard(bakery, countries=["NL", "BE"])
    with organization_scope(bakery.organization):
        records = AuditRecord.objects.filter(action="guard.changed")
        assert [r.changes for r in records.order_by("created_at")] == [
            {"countries": [[], ["NL"]]},
            {"countries": [["NL"], ["NL", "BE"]]},
        ]
