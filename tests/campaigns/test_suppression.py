"""Who asked not to be called is not called, at once and at every level."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing
from campaigns.dialing import Dialed
from campaigns.errors import CampaignNotReady
from campaigns.finishing import finish_attempt_of_call
from campaigns.models import Attempt, Decision, Lead, SavedPerson, SuppressionEntry
from campaigns.services import copy_campaign, save_campaign_as_list
from campaigns.suppressing import suppress_numbers, suppressed_among, unsuppress
from portal.models import AuditRecord, Organization
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import end_call, make_campaign, rows, states
from tests.world import House, browser

pytestmark = pytest.mark.django_db
Source = SuppressionEntry.Source
FIRST = rows(1)[0].phone_number


def suppress(organization: Organization | None, *numbers: str) -> int:
    return suppress_numbers(
        organization=organization,
        numbers=numbers or (FIRST,),
        source=Source.API,
        actor=None,
        reason="asked",
    )


def level_of(house: House) -> str | None:
    found = suppressed_among([FIRST], organization=house.organization)
    return found[FIRST].level if found else None


def test_a_list_holds_for_its_level_and_those_below(
    acme: House, bakery: House, garage: House
) -> None:
    houses = (acme, bakery, garage)
    suppress(bakery.organization)
    assert [level_of(house) for house in houses] == [None, "client", None]
    with all_organizations("a fresh start"):
        SuppressionEntry.objects.all().delete()
    suppress(acme.organization)
    assert [level_of(house) for house in houses] == ["agency", "agency", None]
    with all_organizations("a fresh start"):
        SuppressionEntry.objects.all().delete()
    suppress(None)
    assert [level_of(house) for house in houses] == ["operator"] * 3


def test_a_client_sees_only_its_own_list(acme: House, bakery: House) -> None:
    suppress(acme.organization)
    suppress(None, "+31610009911")
    suppress(bakery.organization, "+31610009811")
    with organization_scope(bakery.organization):
        assert SuppressionEntry.objects.count() == 1
    with organization_scope(acme.organization):
        assert SuppressionEntry.objects.count() == 1


def test_the_same_number_twice_is_one_entry(bakery: House) -> None:
    assert suppress(bakery.organization, FIRST, FIRST) == 1
    assert suppress(bakery.organization) == 0
    with organization_scope(bakery.organization):
        entry = SuppressionEntry.objects.get()
        assert (entry.source, entry.reason) == ("api", "asked")
        unsuppress(entry=entry, actor=None)
        actions = AuditRecord.objects.values_list("action", flat=True)
        assert {"suppression.added", "suppression.removed"} <= set(actions)
    assert level_of(bakery) is None


def test_leads_that_wait_are_skipped_at_once(
    acme: House, bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=3)
    suppress(acme.organization)
    with organization_scope(bakery.organization):
        lead = Lead.objects.get(phone_number=FIRST)
        assert (lead.status, lead.skip_reason) == ("skipped", "suppressed")
        assert states(campaign) == {"skipped": 1, "pending": 2}


def test_an_entry_after_the_claim_stops_the_dial(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (attempt_id,) = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    suppress(None)
    assert dialing.dial_attempt(attempt_id=attempt_id) is Dialed.REFUSED
    assert (Call.objects.count(), Attempt.objects.count()) == (0, 0)
    assert states(campaign) == {"skipped": 1}
    record = Decision.objects.get()
    assert (record.answer, record.reason) == ("refused", "suppressed")
    assert record.checks == [
        {
            "check": "suppressed",
            "ok": False,
            "found": {"level": "operator", "source": "api"},
        }
    ]


def test_a_call_that_rings_is_told_to_stop(in_bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    talking = Call.objects.exclude(callee_number=FIRST).get()
    Call.objects.filter(pk=talking.pk).update(status=Call.Status.IN_PROGRESS)
    suppress(in_bakery.organization, FIRST, talking.callee_number)
    stops = dict(Call.objects.values_list("callee_number", "stop_reason"))
    # Who said so in the conversation hears its end.
    assert stops == {FIRST: "operator_hangup", talking.callee_number: ""}
    client = browser(in_bakery, in_bakery.people["dora"])
    body = {"numbers": talking.callee_number}
    page = client.post(reverse("suppression_add"), body, follow=True).content.decode()
    assert "1 person is in a conversation right now, which is not cut off." in page


def test_a_lead_on_a_list_is_refused_at_the_claim_with_its_record(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    suppress(in_bakery.organization)
    Lead.objects.update(status=Lead.Status.PENDING)  # as one added after the entry
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    assert states(campaign) == {"skipped": 1, "calling": 1}
    record = Decision.objects.get(answer="refused")
    assert record.lead.phone_number == FIRST
    assert record.reason == "suppressed"


def test_who_is_on_a_list_by_the_end_of_a_call_is_not_tried_again(
    in_bakery: House, acme: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    suppress(acme.organization)
    for call in Call.objects.all():
        end_call(in_bakery, call.pk, EndReason.NO_ANSWER)
        finish_attempt_of_call(call_id=call.pk)
    lead = Lead.objects.get(phone_number=FIRST)
    assert (lead.status, lead.skip_reason) == ("skipped", "suppressed")
    assert lead.last_outcome == "no_answer"
    assert states(campaign) == {"skipped": 1, "pending": 1}


def test_who_said_stop_goes_into_no_list_and_no_copy_whoevers_list_it_is(
    in_bakery: House, acme: House
) -> None:
    campaign = make_campaign(in_bakery, leads=3)
    # As after a conversation: reached, and on a list since.
    Lead.objects.update(status=Lead.Status.COMPLETED, last_outcome="answered")
    suppress(acme.organization)
    suppress(None, rows(2)[1].phone_number)
    saved = save_campaign_as_list(campaign=campaign, name="Again", actor=None)
    made = copy_campaign(campaign=campaign, actor=None)
    left = [rows(3)[2].phone_number]
    assert [row.phone_number for row in SavedPerson.objects.all()] == left
    assert (saved.people_count, states(made)) == (1, {"pending": 1})
    suppress(in_bakery.organization, *left)
    with pytest.raises(CampaignNotReady, match="Nobody"):
        save_campaign_as_list(campaign=campaign, name="Nobody", actor=None)
    with pytest.raises(CampaignNotReady, match="Nobody"):
        copy_campaign(campaign=campaign, actor=None)
