"""Claiming leads and placing their calls, one worker at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistants.services import set_active
from billing.ledger import wallet_balance
from calls.models import Call, VoiceNode
from calls.services.nodes import drain_node
from campaigns import dialing
from campaigns.dialing import Dialed
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services import cancel_campaign, pause_campaign
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import make_campaign, open_poor_client, states
from tests.world import House

pytestmark = pytest.mark.django_db


def dial(campaign: Campaign) -> int:
    return dialing.dial_campaign(
        campaign_id=campaign.pk, organization=campaign.organization
    )


def test_each_lead_gets_one_call_with_its_own_words(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(
        in_bakery, leads=2, system_message_template="Sell to {{name}} in {{city}}."
    )
    assert dial(campaign) == 2
    assert states(campaign) == {"calling": 2}
    calls = {call.callee_number: call for call in Call.objects.all()}
    assert set(calls) == {"+31610000011", "+31610000111"}
    call = calls["+31610000011"]
    attempt = Attempt.objects.get(call_id=call.pk)
    assert attempt.status == Attempt.Status.PLACED
    assert call.caller_number == "+31201234502"
    assert call.carrier == "simulator"
    assert call.variables == {
        "city": "Delft",
        "name": "Lead 0",
        "phone_number": "+31610000011",
    }
    assert call.overrides == {"instructions": "Sell to {{name}} in {{city}}."}
    assert call.metadata == {
        "campaign_id": str(campaign.pk),
        "lead_id": str(attempt.lead_id),
        "attempt_id": str(attempt.pk),
        "person_zone": "Europe/Amsterdam",
        "opt_out_digit": "9",
    }
    lead = Lead.objects.get(pk=attempt.lead_id)
    assert lead.attempt_count == 1
    assert lead.last_attempt_at is not None


def test_a_campaign_makes_no_more_calls_at_once_than_allowed(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=7, max_concurrent_calls=3)
    assert dial(campaign) == 3
    assert dial(campaign) == 0
    assert states(campaign) == {"calling": 3, "pending": 4}


def test_campaigns_share_the_limit_of_their_organization(
    in_bakery: House, node: VoiceNode
) -> None:
    Organization.objects.update(max_concurrent_calls=5)
    first = make_campaign(in_bakery, leads=4, max_concurrent_calls=4)
    second = make_campaign(in_bakery, leads=4, max_concurrent_calls=4)
    # Of five lines one stays free for other calls; the rest is shared as equally.
    assert (dial(first), dial(second)) == (2, 2)
    assert (dial(first), dial(second)) == (0, 0)
    assert Call.objects.live().count() == 4


def test_another_organization_does_not_use_up_the_limit(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    for client in (bakery, garage):
        with organization_scope(client.organization):
            campaign = make_campaign(client, leads=10, max_concurrent_calls=10)
            assert dial(campaign) == 8  # two of ten lines stay free


def test_with_no_free_line_the_lead_waits_and_no_attempt_is_counted(
    in_bakery: House, node: VoiceNode
) -> None:
    drain_node(node_id=node.pk)
    campaign = make_campaign(in_bakery, leads=3)
    before = timezone.now()
    assert dial(campaign) == 0
    assert states(campaign) == {"pending": 3}
    assert Attempt.objects.count() == Call.objects.count() == 0
    assert {lead.attempt_count for lead in Lead.objects.all()} == {0}
    # Only the one that was tried is put off; it says nothing about the others.
    late = Lead.objects.filter(due_at__gt=before + timedelta(seconds=2))
    assert late.count() == 1
    assert wallet_balance(in_bakery.organization).held == 0


def test_without_credits_the_campaign_pauses_and_says_why(
    acme: House, node: VoiceNode
) -> None:
    poor = open_poor_client(acme, credits=0)
    with organization_scope(poor.organization):
        campaign = make_campaign(poor, leads=3)
        assert dial(campaign) == 0
        campaign.refresh_from_db()
        assert campaign.status == Campaign.Status.PAUSED
        # The client's own wallet is empty too, so the reason is the client's.
        assert campaign.halt_reason == Campaign.HaltReason.NOT_ENOUGH_CREDITS
        assert campaign.halt_text == "There are not enough credits."
        assert states(campaign) == {"pending": 3}
        assert Attempt.objects.count() == Call.objects.count() == 0
        assert dial(campaign) == 0


def test_calls_already_placed_stay_when_the_credits_run_out(
    acme: House, node: VoiceNode
) -> None:
    # A credit a minute: the first two calls hold one each, the third finds nothing.
    poor = open_poor_client(acme, credits=2)
    with organization_scope(poor.organization):
        campaign = make_campaign(poor, leads=5, max_concurrent_calls=5)
        assert dial(campaign) == 2
        campaign.refresh_from_db()
        assert campaign.halt_reason == Campaign.HaltReason.NOT_ENOUGH_CREDITS
        assert states(campaign) == {"calling": 2, "pending": 3}
        assert Call.objects.live().count() == 2
        assert wallet_balance(poor.organization).available == 0


def test_a_switched_off_assistant_pauses_the_campaign(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    set_active(assistant=in_bakery.assistant, is_active=False, actor=None)
    assert dial(campaign) == 0
    campaign.refresh_from_db()
    assert campaign.halt_reason == Campaign.HaltReason.CALL_REFUSED
    assert "switched off" in campaign.halt_text
    assert states(campaign) == {"pending": 2}


def test_a_claim_is_given_back_when_the_campaign_was_paused_meanwhile(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    claimed = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    pause_campaign(campaign=campaign, actor=None)
    assert dialing.dial_attempt(attempt_id=claimed[0]) is Dialed.WITHDRAWN
    assert states(campaign) == {"pending": 1, "calling": 1}
    assert Call.objects.count() == 0


def test_a_claim_of_a_cancelled_campaign_is_skipped(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    claimed = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    cancel_campaign(campaign=campaign, actor=None)
    for one in claimed:
        assert dialing.dial_attempt(attempt_id=one) is Dialed.WITHDRAWN
    assert states(campaign) == {"skipped": 2}


def test_an_attempt_is_dialled_once(in_bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (claimed,) = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    assert dialing.dial_attempt(attempt_id=claimed) is Dialed.PLACED
    assert dialing.dial_attempt(attempt_id=claimed) is Dialed.TAKEN
    assert Call.objects.count() == 1


@pytest.mark.parametrize("move", [pause_campaign, cancel_campaign])
def test_only_a_running_campaign_is_dialled(
    in_bakery: House, node: VoiceNode, move: object
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    move(campaign=campaign, actor=None)
    assert dial(campaign) == 0
    assert Call.objects.count() == 0


def test_a_draft_is_not_dialled(in_bakery: House, node: VoiceNode) -> None:
    assert dial(make_campaign(in_bakery, launched=False)) == 0


def test_leads_that_are_not_due_yet_wait(in_bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(in_bakery, leads=3)
    late = Lead.objects.first()
    Lead.objects.filter(pk=late.pk).update(due_at=timezone.now() + timedelta(hours=1))
    assert dial(campaign) == 2


def test_another_organizations_campaign_is_out_of_reach(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery)
    with organization_scope(garage.organization):
        placed = dialing.dial_campaign(
            campaign_id=campaign.pk, organization=garage.organization
        )
    assert placed == 0
    with all_organizations("nothing changed"):
        assert Call.objects.count() == 0
        assert states(campaign) == {"pending": 3}
