"""Lists that are kept and used again, by page and by API."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.errors import CampaignIsFinal, ListNameTaken
from campaigns.models import Campaign, Lead, SavedList, SavedPerson
from campaigns.services import (
    Wanted,
    add_list_to_campaign,
    add_to_list,
    make_list,
    save_campaign_as_list,
)
from portal.models import AuditRecord
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign, rows
from tests.world import House, browser

pytestmark = pytest.mark.django_db


def test_a_list_goes_into_campaigns_whole_and_each_number_once(
    in_bakery: House,
) -> None:
    saved = make_list(
        organization=in_bakery.organization, name="Regulars", people=rows(5), actor=None
    )
    assert saved.people_count == 5
    assert add_to_list(saved_list=saved, people=rows(7), actor=None) == 2
    first = make_campaign(in_bakery, leads=rows(1), launched=False)
    saved.refresh_from_db()
    assert add_list_to_campaign(saved_list=saved, campaign=first, actor=None) == 6
    second = make_campaign(in_bakery, leads=[], launched=False)
    assert add_list_to_campaign(saved_list=saved, campaign=second, actor=None) == 7
    assert add_list_to_campaign(saved_list=saved, campaign=second, actor=None) == 0
    leads = list(Lead.objects.filter(campaign=second).select_related("locality"))
    assert [lead.phone_number for lead in leads] == [r.phone_number for r in rows(7)]
    assert {lead.status for lead in leads} == {"pending"}
    lead = leads[3]
    assert (lead.name, lead.variables) == ("Lead 3", {"city": "Delft"})
    assert lead.locality is not None
    assert lead.locality.value.zones == ("Europe/Amsterdam",)
    record = AuditRecord.objects.filter(action="campaign.leads_added").first()
    assert record is not None
    assert record.changes == {"leads": 7, "list": "Regulars"}


def test_people_of_some_results_are_kept_and_who_said_stop_is_not(
    in_bakery: House,
) -> None:
    campaign = make_campaign(in_bakery, leads=5)
    for name, fields in {
        "Lead 0": {"last_outcome": "no_answer"},
        "Lead 1": {"last_outcome": "answered", "disposition": "sold"},
        "Lead 2": {"last_outcome": "answered"},
        "Lead 3": {
            "last_outcome": "no_answer",
            "status": "skipped",
            "skip_reason": "suppressed",
        },
        "Lead 4": {"phone_number": "#gone", "last_outcome": "no_answer"},
    }.items():
        Lead.objects.filter(name=name).update(**fields)
    wanted = Wanted(outcomes=("no_answer",), dispositions=("sold",))
    saved = save_campaign_as_list(
        campaign=campaign, name="Again", actor=None, wanted=wanted
    )
    people = SavedPerson.objects.filter(saved_list=saved)
    assert [person.name for person in people] == ["Lead 0", "Lead 1"]
    assert (saved.people_count, saved.made_from) == (2, campaign)
    with pytest.raises(ListNameTaken):
        save_campaign_as_list(campaign=campaign, name="Again", actor=None)
    assert SavedList.objects.count() == 1


def test_a_list_splits_between_two_assistants_and_spares_an_ended_campaign(
    in_bakery: House,
) -> None:
    saved = make_list(
        organization=in_bakery.organization, name="Many", people=rows(200), actor=None
    )
    campaign = make_campaign(
        in_bakery,
        leads=[],
        launched=False,
        more={"variant_assistant": in_bakery.assistant, "variant_percent": 50},
    )
    add_list_to_campaign(saved_list=saved, campaign=campaign, actor=None)
    assert Lead.objects.filter(campaign=campaign).count() == 200
    Campaign.objects.update(status="completed")
    before = Lead.objects.count()
    with pytest.raises(CampaignIsFinal):
        add_list_to_campaign(saved_list=saved, campaign=campaign, actor=None)
    assert Lead.objects.count() == before


def test_a_list_is_made_looked_at_used_and_deleted(bakery: House) -> None:
    client = browser(bakery, bakery.people["dora"])
    bad = client.post(reverse("saved_list_new"), {"name": "", "leads": "12"})
    assert bad.status_code == 422
    assert set(bad.context["form"].errors) == {"name", "leads"}
    text = "phone,name\n0612345678,Ann\n+31612345679,Bo"
    made = client.post(reverse("saved_list_new"), {"name": "Mine", "leads": text})
    with organization_scope(bakery.organization):
        saved = SavedList.objects.get()
    assert made["Location"] == reverse("saved_list_detail", args=[saved.pk])
    again = client.post(reverse("saved_list_new"), {"name": "Mine", "leads": text})
    assert "name" in again.context["form"].errors
    client.post(reverse("saved_list_add", args=[saved.pk]), {"leads": "+31612345670\n"})
    assert "+31612345670" in client.get(made["Location"]).content.decode()
    campaign = make_campaign(bakery, leads=[], launched=False)
    setup = client.get(reverse("campaign_setup", args=[campaign.pk, "audience"]))
    assert "Mine (3)" in setup.content.decode()
    used = client.post(
        reverse("campaign_use_list", args=[campaign.pk]), {"saved_list": saved.pk}
    )
    assert used["Location"].endswith("/setup/audience/")
    for wrong in ("", "x", str(campaign.pk)):
        client.post(
            reverse("campaign_use_list", args=[campaign.pk]), {"saved_list": wrong}
        )
    client.post(reverse("saved_list_use", args=[saved.pk]), {"campaign": campaign.pk})
    with organization_scope(bakery.organization):
        assert Lead.objects.filter(campaign=campaign).count() == 3
    client.post(reverse("saved_list_delete", args=[saved.pk]))
    with organization_scope(bakery.organization):
        assert not SavedList.objects.exists()
        assert not SavedPerson.objects.exists()
        assert Lead.objects.filter(campaign=campaign).count() == 3


def test_a_campaigns_people_become_a_list_from_its_page(bakery: House) -> None:
    campaign = make_campaign(bakery, leads=2)
    client = browser(bakery, bakery.people["dora"])
    path = reverse("campaign_save_list", args=[campaign.pk])
    client.post(path, {"outcomes": ["no such"]})
    with organization_scope(bakery.organization):
        assert not SavedList.objects.exists()
    client.post(path, {"outcomes": []})
    with organization_scope(bakery.organization):
        saved = SavedList.objects.get()
    assert (saved.name, saved.people_count) == ("Spring", 2)
