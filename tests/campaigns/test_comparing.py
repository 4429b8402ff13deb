"""Campaigns side by side, and two assistants of one, by different goals."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from assistants.services import create_assistant
from calls.models import Call, CallAnalysis, VoiceNode
from campaigns.chance import Finding
from campaigns.comparing import Goal, comparison_of, goals_of, main_goal, sides_of
from campaigns.dialing import dial_campaign
from campaigns.errors import CampaignNotReady
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services import change_campaign, launch_campaign
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign, rows
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db


def done(
    campaign: Campaign, *, reached: int, not_reached: int, sold: int = 0, **fields: Any
) -> None:
    """Leads that a campaign is done with, stored as they are afterwards."""
    start = Lead.objects.count()
    for n in range(reached + not_reached):
        Lead.objects.create(
            organization=campaign.organization,
            campaign=campaign,
            phone_number=f"+3161{start + n:05d}22",
            status="completed" if n < reached else "failed",
            disposition="sold" if n < sold else "",
            due_at=campaign.created_at,
            **fields,
        )


def an_attempt(lead: Lead, *, cost: int, is_success: bool | None = None) -> None:
    call = Call.objects.create(
        organization=lead.organization,
        direction="outbound",
        status="completed",
        carrier="simulator",
        duration_ms=30_000,
    )
    Attempt.objects.create(
        organization=lead.organization,
        lead=lead,
        number=1,
        status="finished",
        outcome="answered",
        call_id=call.pk,
        cost_microcredits=cost,
        finished_at=timezone.now(),
    )
    if is_success is not None:
        CallAnalysis.objects.create(
            organization=lead.organization,
            call=call,
            status="done",
            is_success=is_success,
            due_at=timezone.now(),
        )


def test_two_assistants_are_compared_by_the_people_chance_gave_each(
    in_bakery: House,
) -> None:
    other = create_assistant(
        organization=in_bakery.organization, spec=desk_spec(name="Short"), actor=None
    )
    campaign = make_campaign(
        in_bakery,
        leads=1,
        more={"variant_assistant": other, "variant_percent": 50},
    )
    done(campaign, reached=4, not_reached=36, sold=4)
    done(campaign, reached=30, not_reached=10, sold=5, is_variant=True)
    found = comparison_of(campaign)
    assert found is not None
    assert [(arm.name, arm.people, arm.hits) for arm in found.arms] == [
        ("Front desk", 40, 4),
        ("Short", 40, 30),
    ]
    assert found.better == found.second
    by_sales = comparison_of(campaign, Goal("disposition:sold"))
    assert by_sales is not None
    assert by_sales.finding is Finding.NONE


def test_chance_decides_at_the_first_call_who_gets_the_other_assistant(
    in_bakery: House, node: VoiceNode
) -> None:
    other = create_assistant(
        organization=in_bakery.organization, spec=desk_spec(name="Short"), actor=None
    )
    # People are there before anybody thinks of a second assistant, as in the set-up.
    campaign = make_campaign(in_bakery, leads=8, launched=False, max_concurrent_calls=8)
    both: dict[str, Any] = {"variant_assistant": other, "variant_percent": 100}
    change_campaign(campaign=campaign, changes=both, actor=None)
    launch_campaign(campaign=campaign, actor=None)
    dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    called = Call.objects.values_list("assistant__name", flat=True)
    assert set(called) == {"Short"}
    assert Lead.objects.filter(is_variant=True).count() == len(called)
    # Nobody's assistant changes with a later try, and no comparison begins late.
    with pytest.raises(CampaignNotReady, match="called already"):
        change_campaign(campaign=campaign, changes={"variant_percent": 50}, actor=None)
    alone: dict[str, Any] = {"variant_assistant": None, "variant_percent": 0}
    change_campaign(campaign=campaign, changes=alone, actor=None)
    assert comparison_of(Campaign.objects.get(pk=campaign.pk)) is None


def test_two_assistants_are_judged_by_what_came_of_calls_where_that_is_known(
    in_bakery: House,
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    assert main_goal(campaign).is_reached
    an_attempt(Lead.objects.get(), cost=0, is_success=False)
    assert main_goal(campaign).key == "success"


def test_campaigns_stand_side_by_side_by_the_goal_that_is_chosen(
    in_bakery: House,
) -> None:
    first = make_campaign(in_bakery, leads=1, name="March")
    second = make_campaign(in_bakery, leads=1, name="April")
    done(first, reached=2, not_reached=2, sold=1)
    done(second, reached=1, not_reached=0)
    lead = Lead.objects.filter(campaign=first, disposition="sold").get()
    an_attempt(lead, cost=2_000_000, is_success=True)
    other = Lead.objects.filter(campaign=first, status="failed").first()
    assert other is not None
    an_attempt(other, cost=1_000_000, is_success=False)
    goals = goals_of([first, second])
    assert [goal.key for goal in goals] == ["reached", "success", "disposition:sold"]
    hits = {
        goal.key: [side.arm.hits for side in sides_of([first, second], goal)]
        for goal in goals
    }
    assert hits == {"reached": [2, 1], "success": [1, 0], "disposition:sold": [1, 0]}
    march, april = sides_of([first, second], goals[0])
    assert (march.arm.people, march.attempts, march.answer_percent) == (4, 2, 100)
    assert (march.cost_microcredits, march.cost_per_hit) == (3_000_000, 1_500_000)
    assert march.mean_call_s == 30.0
    assert (april.attempts, april.answer_percent, april.cost_per_hit) == (0, None, 0)


def test_the_page_draws_campaigns_and_says_what_may_be_said(bakery: House) -> None:
    first = make_campaign(bakery, leads=rows(1), name="March")
    second = make_campaign(bakery, leads=rows(1), name="April")
    with organization_scope(bakery.organization):
        done(first, reached=2, not_reached=38)
        done(second, reached=30, not_reached=10)
    client = browser(bakery, bakery.people["bob"])
    path = reverse("campaign_compare")
    assert "Choose campaigns above" in client.get(path).content.decode()
    page = client.get(path, {"c": [str(first.pk), str(second.pk)]})
    text = page.content.decode()
    assert "April against March" in text
    assert "A difference shown" in text
    assert "More with April" in text
    assert "Decide when the campaign has ended" in text
    assert "Likely between" in text
    assert client.get(path, {"c": "x"}).status_code == 422
    goal = client.get(path, {"c": [str(first.pk)], "goal": "no such"})
    assert goal.context["goal"].key == "reached"


def test_drafts_and_other_peoples_campaigns_are_not_compared(
    bakery: House, garage: House
) -> None:
    draft = make_campaign(bakery, launched=False)
    theirs = make_campaign(garage)
    client = browser(bakery, bakery.people["dora"])
    for one in (draft, theirs):
        answer = client.get(reverse("campaign_compare"), {"c": [str(one.pk)]})
        assert answer.status_code == 422
        assert one.name not in answer.content.decode()
