"""Nobody is called outside the hours of the campaign and the law, at their own place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from calls.models import Call, VoiceNode
from calls.services.nodes import register_node
from campaigns import dialing
from campaigns.importing import LeadRow
from campaigns.models import CallingLimits, Campaign, Decision, Lead
from common.windows import Week, every_day
from tests.campaigns.builders import make_campaign, states
from tests.world import House

pytestmark = [pytest.mark.django_db, pytest.mark.legal_hours]

AMSTERDAM, NEW_YORK, MIAMI = "+31612345678", "+12125551234", "+13055551234"
THURSDAY = datetime(2026, 11, 19, tzinfo=UTC)
WHOLE = every_day().as_json()


def people(*numbers: str) -> list[LeadRow]:
    return [LeadRow(number) for number in numbers]


def dial_at(campaign: Campaign, at: datetime) -> set[str]:
    """Let the dialer look at a moment; return who is called."""
    with time_machine.travel(at, tick=True):
        register_node(host="test", pid=1, capacity=50)
        dialing.dial_campaign(
            campaign_id=campaign.pk, organization=campaign.organization
        )
    return set(Call.objects.live().values_list("callee_number", flat=True))


def campaign_of(house: House, *numbers: str, **fields: Any) -> Campaign:
    campaign = make_campaign(house, leads=people(*numbers), max_concurrent_calls=8)
    Campaign.objects.filter(pk=campaign.pk).update(**fields)
    Lead.objects.update(due_at=THURSDAY - timedelta(days=2))
    campaign.refresh_from_db()
    return campaign


@pytest.mark.parametrize(
    ("hour", "called"),
    [
        (6, set()),  # seven in Amsterdam
        (9, {AMSTERDAM}),
        (14, {AMSTERDAM, NEW_YORK, MIAMI}),
        (21, {NEW_YORK, MIAMI}),
    ],
)
def test_the_law_holds_at_the_persons_place(
    in_bakery: House, hour: int, called: set[str]
) -> None:
    campaign = campaign_of(in_bakery, AMSTERDAM, NEW_YORK, MIAMI)
    assert dial_at(campaign, THURSDAY + timedelta(hours=hour)) == called


def test_a_state_closes_before_its_country(in_bakery: House) -> None:
    campaign = campaign_of(in_bakery, NEW_YORK, MIAMI)
    half_past_eight_there = THURSDAY + timedelta(hours=25, minutes=30)
    assert dial_at(campaign, half_past_eight_there) == {NEW_YORK}


def test_the_campaigns_hours_and_the_law_hold_together(in_bakery: House) -> None:
    hours = Week.parse({"thu": ["18:00-24:00"]}).as_json()
    campaign = campaign_of(in_bakery, AMSTERDAM, hours=hours)
    assert dial_at(campaign, THURSDAY + timedelta(hours=12)) == set()
    assert dial_at(campaign, THURSDAY + timedelta(hours=21)) == set()
    assert dial_at(campaign, THURSDAY + timedelta(hours=18)) == {AMSTERDAM}


def test_days_off_holidays_and_the_last_day_are_kept(in_bakery: House) -> None:
    noon = THURSDAY + timedelta(hours=12)
    campaign = campaign_of(in_bakery, AMSTERDAM, days_off=["2026-11-19"])
    assert dial_at(campaign, noon) == set()
    Campaign.objects.update(days_off=[], ends_on="2026-11-18")
    assert dial_at(campaign, noon) == set()
    Campaign.objects.update(ends_on=None, starts_on="2026-11-20")
    assert dial_at(campaign, noon) == set()
    assert dial_at(campaign, datetime(2026, 12, 25, 12, tzinfo=UTC)) == set()
    assert dial_at(campaign, noon + timedelta(days=1)) == {AMSTERDAM}


def test_a_zone_nobody_knows_is_not_dialled_unless_the_campaign_says_which(
    in_bakery: House,
) -> None:
    satellite = "+870773111632"
    campaign = campaign_of(in_bakery, satellite)
    noon = THURSDAY + timedelta(hours=12)
    assert dial_at(campaign, noon) == set()
    lead = Lead.objects.get()
    assert (lead.status, lead.skip_reason) == ("skipped", "no_time_zone")
    record = Decision.objects.get()
    assert (record.answer, record.reason) == ("refused", "no_time_zone")


def test_who_may_be_anywhere_is_called_when_all_places_are_open(
    in_bakery: House,
) -> None:
    # British mobiles may be on Guernsey too; a toll-free number may be in Guam.
    campaign = campaign_of(in_bakery, "+447911123456", "+18005551234")
    assert dial_at(campaign, THURSDAY + timedelta(hours=12)) == {"+447911123456"}
    toll_free = Lead.objects.get(phone_number="+18005551234")
    assert toll_free.skip_reason in ("no_common_hours", "")


def test_the_record_of_a_dial_says_what_was_checked(in_bakery: House) -> None:
    campaign = campaign_of(in_bakery, AMSTERDAM)
    dial_at(campaign, THURSDAY + timedelta(hours=12))
    record = Decision.objects.get()
    assert (record.answer, record.zone, record.zone_source) == (
        "dialed",
        "Europe/Amsterdam",
        "number",
    )
    assert record.local_time == "Thu 13:00"
    assert record.call_id == Call.objects.get().pk
    assert record.rules_version.startswith("2026-11/")
    assert [check["check"] for check in record.checks] == [
        "lists",
        "consent",
        "time_zone",
        "destination",
        "campaign_hours",
        "legal_hours",
        "person",
        "caller_id",
        "attempts",
        "pace",
        "credit",
        "voice",
    ]
    assert all(check["ok"] for check in record.checks)


def test_without_consent_on_record_nobody_is_called(in_bakery: House) -> None:
    campaign = campaign_of(
        in_bakery, AMSTERDAM, "+31612345679", consent_rule=Campaign.ConsentRule.LEAD
    )
    Lead.objects.filter(phone_number=AMSTERDAM).update(
        consent_basis=Lead.ConsentBasis.WRITTEN, consent_proof="form 12"
    )
    assert dial_at(campaign, THURSDAY + timedelta(hours=12)) == {AMSTERDAM}
    assert states(campaign) == {"calling": 1, "skipped": 1}
    assert Lead.objects.get(status="skipped").skip_reason == "no_consent"


def test_one_person_is_not_called_by_two_campaigns_too_soon(in_bakery: House) -> None:
    CallingLimits.objects.create(
        organization=in_bakery.organization, person_gap_s=3_600, person_max_a_day=2
    )
    first = campaign_of(in_bakery, AMSTERDAM)
    second = campaign_of(in_bakery, AMSTERDAM)
    noon = THURSDAY + timedelta(hours=12)
    assert dial_at(first, noon) == {AMSTERDAM}
    with time_machine.travel(noon):
        Call.objects.update(created_at=noon)
    dial_at(second, noon + timedelta(minutes=30))
    held = Decision.objects.get(campaign=second)
    assert (held.answer, held.reason) == ("held", "min_gap")
    assert held.held_until == noon + timedelta(hours=1)
    assert Lead.objects.get(campaign=second).due_at == held.held_until


def test_leads_that_sleep_do_not_keep_the_others_waiting(in_bakery: House) -> None:
    asleep = [f"+1212555{n:04d}" for n in range(60)]
    campaign = campaign_of(in_bakery, *asleep, AMSTERDAM)
    assert dial_at(campaign, THURSDAY + timedelta(hours=10)) == {AMSTERDAM}
    assert not Decision.objects.filter(answer="held").exists()


def test_a_lead_with_priority_goes_first(in_bakery: House, node: VoiceNode) -> None:
    numbers = [f"+3161234567{n}" for n in range(5)]
    campaign = campaign_of(in_bakery, *numbers, max_concurrent_calls=1)
    Lead.objects.filter(phone_number=numbers[3]).update(is_priority=True)
    assert dial_at(campaign, THURSDAY + timedelta(hours=12)) == {numbers[3]}
