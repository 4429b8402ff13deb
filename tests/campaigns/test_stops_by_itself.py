"""A campaign stops when its budget is spent or its calls fail, and shows why."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing
from campaigns.finishing import finish_attempt_of_call
from campaigns.models import Campaign
from campaigns.services import change_campaign, resume_campaign
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import organization_scope
from tests.campaigns.builders import end_call, make_campaign, states
from tests.world import House, browser

pytestmark = pytest.mark.django_db


def dial(campaign: Campaign) -> int:
    return dialing.dial_campaign(
        campaign_id=campaign.pk, organization=campaign.organization
    )


def allow(campaign: Campaign, *, credits: int) -> None:
    change_campaign(
        campaign=campaign,
        changes={"budget_microcredits": credits * MICROCREDITS_PER_CREDIT},
        actor=None,
    )


def finish(house: House, reason: EndReason, *, answered: bool = False) -> None:
    for call in list(Call.objects.live()):
        end_call(house, call.pk, reason, answered=answered)
        finish_attempt_of_call(call_id=call.pk)


def test_a_budget_is_not_passed_by_calls_side_by_side_and_stops_the_campaign(
    in_bakery: House, node: VoiceNode
) -> None:
    # Three minutes are paid for: no fourth call is begun beside three that ring.
    campaign = make_campaign(in_bakery, leads=10, max_concurrent_calls=8)
    allow(campaign, credits=3)
    assert dial(campaign) == 3
    assert dial(campaign) == 0
    finish(in_bakery, EndReason.NO_ANSWER)  # cost nothing, so that the budget is whole
    assert dial(campaign) == 3
    finish(in_bakery, EndReason.USER_HANGUP, answered=True)
    campaign.refresh_from_db()
    assert 0 < campaign.spent_microcredits < MICROCREDITS_PER_CREDIT
    # What three short calls left pays for two more, whoever asks.
    assert dial(campaign) == 2
    assert dial(campaign) == 0


def test_a_budget_that_pays_for_no_further_call_stops_the_campaign_and_says_so(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(bakery, leads=3)
        allow(campaign, credits=1)
        assert dial(campaign) == 1
        assert dial(campaign) == 0
        campaign.refresh_from_db()
        assert campaign.halt_reason == ""  # a call goes on, and may cost less
        finish(bakery, EndReason.USER_HANGUP, answered=True)
        assert dial(campaign) == 0
        campaign.refresh_from_db()
        assert campaign.halt_reason == Campaign.HaltReason.BUDGET_SPENT
        assert campaign.halt_evidence == {
            "budget": MICROCREDITS_PER_CREDIT,
            "spent": campaign.spent_microcredits,
        }
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("campaign_detail", args=[campaign.pk])
    )
    assert "Raise the budget in the limits" in page.content.decode()


def test_calls_that_fail_stop_it_with_the_calls_as_evidence(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(bakery, leads=9, max_concurrent_calls=6)
        assert dial(campaign) == 6
        failed = set(Call.objects.live().values_list("pk", flat=True))
        finish(bakery, EndReason.CARRIER_FAILED)
        campaign.refresh_from_db()
        assert campaign.status == Campaign.Status.PAUSED
        assert campaign.halt_reason == Campaign.HaltReason.TOO_MANY_FAILURES
        evidence = campaign.halt_evidence
        # It stopped at the fifth; the last one was on its way already.
        assert (evidence["attempts"], evidence["failures"]) == (5, 5)
        told = {call["call_id"] for call in evidence["calls"]}
        assert len(told) == 5
        assert told < {str(call_id) for call_id in failed}
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("campaign_detail", args=[campaign.pk])
    )
    text = page.content.decode()
    assert "5 of the last 5 calls failed" in text
    assert all(reverse("call_detail", args=[call_id]) in text for call_id in told)
    with organization_scope(bakery.organization):
        assert resume_campaign(campaign=campaign, actor=None)
        campaign.refresh_from_db()
        assert (campaign.halt_reason, campaign.halt_evidence) == ("", {})
        # What failed before somebody looked does not stop it again.
        assert states(campaign)["pending"] == 9
        assert dial(campaign) == 3
