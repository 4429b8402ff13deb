"""Campaigns that stopped for want of credits go on when there are some."""

from __future__ import annotations

import pytest
from django.utils import timezone

from billing.grants import grant_credits
from campaigns.funding import resume_funded_campaigns
from campaigns.models import Campaign
from campaigns.services.running import halt_campaign, pause_campaign
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign, open_poor_client
from tests.world import House

Halt = Campaign.HaltReason


def halted(house: House, reason: Campaign.HaltReason) -> Campaign:
    campaign = make_campaign(house)
    with organization_scope(house.organization):
        halt_campaign(campaign=campaign, reason=reason)
    return campaign


def status(house: House, campaign: Campaign) -> str:
    with organization_scope(house.organization):
        return Campaign.objects.get(pk=campaign.pk).status


def test_it_goes_on_once_a_minute_can_be_paid_for(acme: House) -> None:
    poor = open_poor_client(acme, credits=0)
    campaign = halted(poor, Halt.NOT_ENOUGH_CREDITS)
    assert resume_funded_campaigns(timezone.now()) == 0
    assert status(poor, campaign) == "paused"
    with organization_scope(poor.organization):
        grant_credits(
            organization=poor.organization,
            amount_microcredits=100_000_000,
            idempotency_key="more",
            actor=None,
        )
    now = timezone.now()
    assert [resume_funded_campaigns(now) for _ in range(2)] == [1, 0]
    assert status(poor, campaign) == "scheduled"


@pytest.mark.parametrize("reason", [Halt.CALL_REFUSED, None])
def test_what_was_not_stopped_for_money_stays_paused(
    bakery: House, reason: Campaign.HaltReason | None
) -> None:
    campaign = make_campaign(bakery)
    with organization_scope(bakery.organization):
        if reason is None:
            pause_campaign(campaign=campaign, actor=None)
        else:
            halt_campaign(campaign=campaign, reason=reason)
    assert resume_funded_campaigns(timezone.now()) == 0
    assert status(bakery, campaign) == "paused"
