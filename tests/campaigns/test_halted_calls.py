"""While calls are stopped from above a campaign waits, says so, and goes on by itself."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Call, VoiceNode
from calls.services.halting import halt_calls, lift_halt
from calls.session.events import EndReason
from campaigns import dialing, pacing
from campaigns.dialing import Dialed
from campaigns.explaining import explain_lead
from campaigns.finishing import finish_attempt_of_call
from campaigns.models import Attempt, Campaign, Lead
from portal.models import Organization
from portal.scope import organization_scope
from tests.campaigns.builders import end_call, make_campaign, rows, states
from tests.world import House, browser

pytestmark = pytest.mark.django_db


def halt(organization: Organization | None) -> None:
    halt_calls(organization=organization, reason="Fraud", actor=None)


def dial(campaign: Campaign) -> int:
    return dialing.dial_campaign(
        campaign_id=campaign.pk, organization=campaign.organization
    )


@pytest.mark.parametrize("by_agency", [False, True], ids=["everybody", "agency"])
def test_nobody_is_called_until_it_is_lifted(
    acme: House, bakery: House, node: VoiceNode, by_agency: bool
) -> None:
    campaign = make_campaign(bakery, leads=2)
    whose = acme.organization if by_agency else None
    halt(whose)
    dora = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_detail", args=[campaign.pk])
    with organization_scope(bakery.organization):
        assert dial(campaign) == 0
        campaign.refresh_from_db()
        # Its pause would have to be ended by hand, in every campaign there is.
        assert campaign.status == Campaign.Status.SCHEDULED
        assert states(campaign) == {"pending": 2}
        lead = Lead.objects.select_related("campaign__organization").first()
        assert lead is not None
        assert explain_lead(lead).reason == "calls_halted"
    assert "Calls are stopped for now" in dora.get(path).content.decode()
    lift_halt(organization=whose, actor=None)
    with organization_scope(bakery.organization):
        assert dial(campaign) == 2
    assert "Calls are stopped for now" not in dora.get(path).content.decode()


def test_a_halt_between_claim_and_call_gives_the_person_back(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (attempt_id,) = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    halt(None)
    assert dialing.dial_attempt(attempt_id=attempt_id) is Dialed.NO_LINE
    assert (Call.objects.count(), Attempt.objects.count()) == (0, 0)
    campaign.refresh_from_db()
    assert (campaign.status, states(campaign)) == ("scheduled", {"pending": 1})


def test_calls_that_a_halt_ended_are_no_failures_of_the_line(
    in_bakery: House, node: VoiceNode
) -> None:
    count = pacing.BREAKER_ATTEMPTS
    campaign = make_campaign(
        in_bakery, leads=rows(count), max_concurrent_calls=count, max_attempts=2
    )
    assert dial(campaign) == count
    halt(None)
    for call in Call.objects.all():
        end_call(in_bakery, call.pk, EndReason.OPERATOR_HANGUP)
        finish_attempt_of_call(call_id=call.pk)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.halt_reason) == ("scheduled", "")
    assert states(campaign) == {"pending": count}
