"""Making, launching and ending campaigns; losing a race is an answer, not an error."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from assistants.services import set_active
from calls.models import PhoneNumber
from campaigns import lifecycle
from campaigns.errors import CampaignIsFinal, CampaignNotReady
from campaigns.importing import LeadRow
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services import (
    add_leads,
    cancel_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
)
from portal.models import AuditRecord
from tests.campaigns.builders import make_campaign, rows
from tests.world import House

pytestmark = pytest.mark.django_db


def audited() -> list[str]:
    return list(
        AuditRecord.objects.filter(action__startswith="campaign.")
        .order_by("pk")
        .values_list("action", flat=True)
    )


def test_a_campaign_is_made_as_a_draft_with_its_leads(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=3, launched=False)
    assert campaign.status == Campaign.Status.DRAFT
    assert campaign.created_by == in_bakery.people["dora"]
    leads = list(Lead.objects.filter(campaign=campaign))
    assert [lead.name for lead in leads] == ["Lead 0", "Lead 1", "Lead 2"]
    assert {lead.agency_id for lead in leads} == {in_bakery.portal.agency_id}
    assert audited() == ["campaign.created"]


def test_added_leads_are_counted_without_those_it_has(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    again = [*rows(4), LeadRow(rows(4)[3].phone_number, "Twice")]
    assert add_leads(campaign=campaign, leads=again, actor=None) == 2
    assert add_leads(campaign=campaign, leads=again, actor=None) == 0
    assert Lead.objects.filter(campaign=campaign).count() == 4
    assert not Lead.objects.filter(name="Twice").exists()
    assert audited() == [
        "campaign.created",
        "campaign.launched",
        "campaign.leads_added",
    ]


@pytest.mark.parametrize("status", Campaign.FINAL)
def test_an_ended_campaign_takes_no_leads(in_bakery: House, status: str) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    Campaign.objects.filter(pk=campaign.pk).update(status=status)
    with pytest.raises(CampaignIsFinal):
        add_leads(campaign=campaign, leads=rows(3), actor=in_bakery.people["dora"])
    assert Lead.objects.count() == 1


def test_only_the_first_launch_launches(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, launched=False)
    assert launch_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    assert not launch_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SCHEDULED
    assert campaign.started_at is not None
    assert audited() == ["campaign.created", "campaign.launched"]


def test_a_campaign_without_leads_cannot_be_launched(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=0, launched=False)
    with pytest.raises(CampaignNotReady, match="Add leads"):
        launch_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.DRAFT


def test_a_switched_off_assistant_or_number_stops_the_launch(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, launched=False)
    set_active(assistant=in_bakery.assistant, is_active=False, actor=None)
    campaign = Campaign.objects.get(pk=campaign.pk)
    with pytest.raises(CampaignNotReady, match="Front desk"):
        launch_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    set_active(assistant=in_bakery.assistant, is_active=True, actor=None)
    PhoneNumber.objects.update(is_active=False)
    campaign = Campaign.objects.get(pk=campaign.pk)
    with pytest.raises(CampaignNotReady, match="31201234502"):
        launch_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.DRAFT


def test_pause_and_resume_are_answered_once(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery)
    assert not resume_campaign(campaign=campaign, actor=None)
    assert pause_campaign(campaign=campaign, actor=None)
    assert not pause_campaign(campaign=campaign, actor=None)
    assert not launch_campaign(campaign=campaign, actor=None)
    assert resume_campaign(campaign=campaign, actor=None)
    assert audited()[2:] == ["campaign.paused", "campaign.resumed"]


def test_resuming_forgets_why_it_was_halted(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery)
    Campaign.objects.update(
        status=Campaign.Status.PAUSED,
        halt_reason=Campaign.HaltReason.CALL_REFUSED,
        halt_detail="No.",
    )
    assert resume_campaign(campaign=campaign, actor=None)
    campaign.refresh_from_db()
    assert (campaign.halt_reason, campaign.halt_detail, campaign.halt_text) == ("",) * 3


def test_a_cancelled_campaign_stays_cancelled(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery)
    assert cancel_campaign(campaign=campaign, actor=None)
    for move in (cancel_campaign, pause_campaign, resume_campaign, launch_campaign):
        Lead.objects.update(status=Lead.Status.PENDING)
        assert not move(campaign=campaign, actor=None)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.CANCELLED


@pytest.mark.parametrize("to", list(Campaign.Status))
@pytest.mark.parametrize("start", list(Campaign.Status))
def test_the_database_moves_a_campaign_only_as_the_table_says(
    in_bakery: House, start: Campaign.Status, to: Campaign.Status
) -> None:
    if to is Campaign.Status.DRAFT:
        assert to not in lifecycle.CAMPAIGN_MOVES  # nothing becomes a draft again
        return
    campaign = make_campaign(in_bakery, leads=0, launched=False)
    Campaign.objects.update(status=start)
    allowed = start in lifecycle.CAMPAIGN_MOVES[to]
    assert lifecycle.move_campaign(campaign.pk, to) is allowed
    campaign.refresh_from_db()
    assert campaign.status == (to if allowed else start)


def test_the_database_refuses_a_second_open_attempt(in_bakery: House) -> None:
    make_campaign(in_bakery, leads=1)
    lead = Lead.objects.get()
    Attempt.objects.create(organization=in_bakery.organization, lead=lead, number=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(organization=in_bakery.organization, lead=lead, number=2)
