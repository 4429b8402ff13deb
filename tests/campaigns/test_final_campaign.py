"""A campaign that has ended stays as it is, whoever asks and however; it can be cloned."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns import services, streaming
from campaigns.errors import CampaignError
from campaigns.models import Campaign, CampaignNumber, Lead, LeadImport
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign, rows
from tests.world import House, browser

pytestmark = pytest.mark.django_db
FINAL = pytest.mark.parametrize("status", ["completed", "cancelled"])


def ended(house: House, status: str) -> Campaign:
    campaign = make_campaign(house, leads=2)
    with organization_scope(house.organization):
        Lead.objects.update(status="failed", attempt_count=1, last_outcome="busy")
        Campaign.objects.update(status=status)
        campaign.refresh_from_db()
    return campaign


def all_of(campaign: Campaign) -> list[Any]:
    """Everything that is kept of a campaign."""
    return [
        list(Campaign.objects.filter(pk=campaign.pk).values()),
        list(Lead.objects.filter(campaign=campaign).order_by("pk").values()),
        list(CampaignNumber.objects.filter(campaign=campaign).values()),
        list(LeadImport.objects.filter(campaign=campaign).values()),
    ]


CHANGES: dict[str, Callable[[Campaign, Lead, House], Any]] = {
    "settings": lambda c, lead, house: services.change_campaign(
        campaign=c, changes={"max_attempts": 9}, actor=None
    ),
    "numbers": lambda c, lead, house: services.set_numbers(c, [house.number]),
    "new leads": lambda c, lead, house: services.add_leads(
        campaign=c, leads=rows(9), actor=None
    ),
    "a lead": lambda c, lead, house: services.change_lead(
        lead=lead, changes={"name": "X"}, actor=None
    ),
    "skipping": lambda c, lead, house: services.skip_lead(lead=lead, actor=None),
    "queueing": lambda c, lead, house: services.requeue_lead(lead=lead, actor=None),
    "removing": lambda c, lead, house: services.delete_lead(lead=lead, actor=None),
    "an import": lambda c, lead, house: streaming.start_import(
        campaign=c,
        file=io.BytesIO(b"+31612345678"),
        size=12,
        file_name="x.csv",
        columns=None,
        region="",
        actor=None,
    ),
    "a list": lambda c, lead, house: services.add_list_to_campaign(
        saved_list=services.make_list(
            organization=c.organization, name="L", people=rows(9), actor=None
        ),
        campaign=c,
        actor=None,
    ),
}


@FINAL
@pytest.mark.parametrize("change", CHANGES)
def test_no_service_changes_it(in_bakery: House, status: str, change: str) -> None:
    campaign = ended(in_bakery, status)
    lead = Lead.objects.filter(campaign=campaign).first()
    assert lead is not None
    before = all_of(campaign)
    with pytest.raises(CampaignError):
        CHANGES[change](campaign, lead, in_bakery)
    assert all_of(campaign) == before


@FINAL
def test_no_status_follows_it(in_bakery: House, status: str) -> None:
    campaign = ended(in_bakery, status)
    before = all_of(campaign)
    for move in (services.pause_campaign, services.cancel_campaign):
        assert not move(campaign=campaign, actor=None)
    assert not services.resume_campaign(campaign=campaign, actor=None)
    with pytest.raises(CampaignError):
        services.launch_campaign(campaign=campaign, actor=None)
    assert all_of(campaign) == before


@FINAL
def test_no_page_changes_it(bakery: House, status: str) -> None:
    campaign = ended(bakery, status)
    client: Client = browser(bakery, bakery.people["dora"])
    with organization_scope(bakery.organization):
        before = all_of(campaign)
        lead = Lead.objects.filter(campaign=campaign).first()
    assert lead is not None
    for step in ("audience", "words", "numbers", "when", "retries", "limits", "review"):
        path = reverse("campaign_setup", args=[campaign.pk, step])
        assert client.get(path)["Location"] == reverse(
            "campaign_detail", args=[campaign.pk]
        )
        assert client.post(path, {"max_attempts": 9}).status_code == 302
    for name in ("launch", "pause", "resume", "cancel"):
        client.post(reverse(f"campaign_{name}", args=[campaign.pk]))
    client.post(
        reverse("campaign_leads_add", args=[campaign.pk]), {"leads": "+31612345678"}
    )
    for name in ("lead_skip", "lead_requeue"):
        client.post(reverse(name, args=[campaign.pk, lead.pk]))
    with organization_scope(bakery.organization):
        assert all_of(campaign) == before


@FINAL
def test_no_request_changes_it(bakery: House, status: str) -> None:
    campaign, bakery_api = ended(bakery, status), ApiClient(bakery)
    with organization_scope(bakery.organization):
        before = all_of(campaign)
        lead = Lead.objects.filter(campaign=campaign).first()
    assert lead is not None
    path = f"/campaigns/{campaign.pk}"
    for method, where, body in (
        ("patch", path, {"name": "New"}),
        ("patch", path, {"status": "scheduled"}),
        ("patch", path, {"status": "draft"}),
        ("patch", path, {"number_ids": [str(bakery.number.pk)]}),
        ("post", f"{path}/leads", {"phone_number": "+31612345678"}),
        ("patch", f"{path}/leads/{lead.pk}", {"name": "New"}),
        ("patch", f"{path}/leads/{lead.pk}", {"status": "pending"}),
        ("delete", f"{path}/leads/{lead.pk}", None),
    ):
        answer = getattr(bakery_api, method)(where, *([body] if body else []))
        assert answer.status_code == 409, (method, where, body, answer.content)
        assert answer.json()["error"]["code"]
    with organization_scope(bakery.organization):
        assert all_of(campaign) == before


@FINAL
def test_a_clone_begins_anew_with_the_same_settings(
    in_bakery: House, status: str
) -> None:
    campaign = ended(in_bakery, status)
    Campaign.objects.update(weight=7, consent_note="In 2026", days_off=["2026-12-24"])
    campaign.refresh_from_db()
    before = all_of(campaign)
    made = services.copy_campaign(campaign=campaign, actor=None)
    assert (made.status, made.weight, made.consent_note) == ("draft", 7, "In 2026")
    assert (made.days_off, made.made_from) == (["2026-12-24"], campaign)
    found = Lead.objects.filter(campaign=made)
    assert [(lead.status, lead.attempt_count) for lead in found] == [("pending", 0)] * 2
    assert [lead.phone_number for lead in found] == [r.phone_number for r in rows(2)]
    assert all_of(campaign) == before
