"""The review's numbers are what the dialer then decides, whatever the audience."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from calls.models import Call
from calls.services.nodes import register_node
from campaigns import dialing
from campaigns.columns import LeadRow
from campaigns.evaluating import Desk
from campaigns.models import Campaign, Decision, Lead, SuppressionEntry
from campaigns.places import place_of
from campaigns.reviewing import review_campaign
from campaigns.suppressing import suppress_numbers
from common.windows import Week
from portal.models import Organization
from tests.campaigns.builders import make_campaign
from tests.world import House

pytestmark = [pytest.mark.django_db, pytest.mark.legal_hours, pytest.mark.slow]

# Amsterdam, New York, Miami, Zurich, Paris, a number of many zones, and a satellite's.
PREFIXES: Final = (
    *("+3161234", "+1212555", "+1305555", "+4179555", "+3361234", "+7912345"),
    "+87077311",
)
HOURS: Final[tuple[dict[str, list[str]], ...]] = (
    {},
    {"mon-fri": ["09:00-17:00"]},
    {"sat": ["10:00-12:00", "13:00-20:00"]},
    {"sun": ["02:00-05:00"]},  # when nobody may be called anywhere
)
THURSDAY: Final = datetime(2026, 11, 19, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Somebody of the list: where, and what stands in the way of a call."""

    prefix: str
    zone: str
    has_consent: bool
    listed_by: str


people = st.builds(
    Person,
    prefix=st.sampled_from(PREFIXES),
    zone=st.sampled_from(["", "", "Asia/Tokyo"]),
    has_consent=st.booleans(),
    listed_by=st.sampled_from(["", "", "", "client", "agency", "operator"]),
)


def row_of(number: str, person: Person) -> LeadRow:
    return LeadRow(
        number,
        place=place_of(number, zone=person.zone),
        consent_basis="express" if person.has_consent else "",
    )


def suppress(house: House, audience: dict[str, Person]) -> None:
    parent = house.organization.parent
    lists: dict[str, Organization | None] = {
        "client": house.organization,
        "agency": parent,
        "operator": None,
    }
    for level, organization in lists.items():
        numbers = [n for n, person in audience.items() if person.listed_by == level]
        suppress_numbers(
            organization=organization,
            numbers=numbers,
            source=SuppressionEntry.Source.REGISTRY,
            actor=None,
        )


def dial(campaign: Campaign, at: datetime) -> None:
    """Let the dialer work at a moment until it finds nobody more."""
    with time_machine.travel(at, tick=True):
        register_node(host="test", pid=1, capacity=50)
        for _ in range(2):
            dialing.dial_campaign(
                campaign_id=campaign.pk, organization=campaign.organization
            )


def next_opening(campaign: Campaign, now: datetime) -> datetime | None:
    """Return when the next of the people who wait may be called, or be settled."""
    desk = Desk.open(campaign, now)
    waiting = list(Lead.objects.filter(campaign=campaign, status="pending"))
    desk.read(waiting)
    opens = [desk.place(lead).opens(now) for lead in waiting]
    return min((found[0] for found in opens if found), default=None)


def story(campaign: Campaign) -> list[object]:
    """Return what was decided, for whoever reads a failure."""
    campaign.refresh_from_db()
    records = Decision.objects.values_list(
        "answer", "reason", "local_time", "held_until"
    )
    return [campaign.status, campaign.halt_text, campaign.hours, *records]


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # no minutes of shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    audience=st.lists(people, min_size=1, max_size=9),
    hours=st.sampled_from(HOURS),
    consent_rule=st.sampled_from(["campaign", "lead"]),
    unknown_zone=st.sampled_from(["skip", "campaign"]),
    hour=st.integers(0, 47),
)
def test_who_is_called_and_who_is_not_was_told_before(
    in_bakery: House,
    audience: list[Person],
    hours: dict[str, list[str]],
    consent_rule: str,
    unknown_zone: str,
    hour: int,
) -> None:
    at = THURSDAY.replace(day=19 + hour // 24, hour=hour % 24, minute=30)
    numbered = {
        f"{person.prefix}{n:04d}"[: 14 if person.prefix == "+87077311" else 12]: person
        for n, person in enumerate(audience)
    }
    with transaction.atomic():
        with time_machine.travel(at, tick=True):
            suppress(in_bakery, numbered)
            campaign = make_campaign(
                in_bakery,
                leads=[row_of(number, one) for number, one in numbered.items()],
                max_concurrent_calls=10,
                more={
                    "hours": Week.parse(hours).as_json() if hours else {},
                    "consent_rule": consent_rule,
                    "unknown_zone": unknown_zone,
                    "time_zone": "Europe/Amsterdam",
                },
            )
            Organization.objects.filter(pk=in_bakery.organization.pk).update(
                max_concurrent_calls=50
            )
            review = review_campaign(campaign)
        assert review.waiting == len(numbered)
        assert review.to_call + review.not_called == len(numbered)
        moment: datetime | None = at
        dial(campaign, at)
        assert Call.objects.count() == review.callable_now
        for _ in range(12):
            if (moment := next_opening(campaign, moment or timezone.now())) is None:
                break
            dial(campaign, moment)
        decided = Counter(
            Decision.objects.filter(answer="refused").values_list("reason", flat=True)
        )
        told = (numbered, review, story(campaign))
        assert dict(decided) == review.skipped, told
        assert Decision.objects.filter(answer="dialed").count() == review.to_call, told
        assert Call.objects.count() == review.to_call
        assert not Lead.objects.filter(status="pending").exists()
        transaction.set_rollback(True)
