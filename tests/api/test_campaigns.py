"""Campaigns and leads over REST, in both generations of names."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.models import Campaign, Lead
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.world import House

LEAD = {"phone_number": "+31612345678", "variables": {"city": "Delft", "visits": 3}}


def created(api: ApiClient, **fields: Any) -> dict[str, Any]:
    body = {"name": "Spring", "agent_id": str(api.house.assistant.pk), **fields}
    answer = api.post("/campaigns", body)
    assert answer.status_code == 201, answer.content
    return answer.json()["campaign"]


@pytest.mark.parametrize("name", ["assistant_id", "agent_id"])
def test_a_draft_is_made_with_its_leads(
    bakery: House, bakery_api: ApiClient, name: str
) -> None:
    body = {"name": "Spring", name: str(bakery.assistant.pk), "leads": [LEAD]}
    made = bakery_api.post("/campaigns", body).json()["campaign"]
    assert made["status"] == "draft"
    assert made["assistant_id"] == made["agent_id"] == str(bakery.assistant.pk)
    assert made["number_id"] == str(bakery.number.pk)
    assert made["total_leads"] == 1
    (lead,) = bakery_api.get(f"/campaigns/{made['id']}/leads").json()["leads"]
    assert lead["phone_number"] == "+31612345678"
    assert lead["variables"] == {"city": "Delft", "visits": "3"}
    assert (lead["status"], lead["attempts"], lead["call_id"]) == ("pending", 0, None)
    assert bakery_api.get("/campaigns").json()["campaigns"] == [made]


def test_a_status_starts_pauses_resumes_and_ends(bakery_api: ApiClient) -> None:
    path = f"/campaigns/{created(bakery_api, leads=[LEAD])['id']}"
    for status in ("scheduled", "scheduled", "paused", "scheduled", "cancelled"):
        answer = bakery_api.patch(path, {"status": status})
        assert answer.json()["campaign"]["status"] == status
    refused = bakery_api.patch(path, {"status": "scheduled"})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "conflict"
    assert bakery_api.patch(path, {"name": "Later"}).status_code == 409


def test_a_campaign_without_leads_is_not_started(bakery_api: ApiClient) -> None:
    path = f"/campaigns/{created(bakery_api)['id']}"
    answer = bakery_api.patch(path, {"status": "scheduled", "name": "Summer"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "campaign_not_ready"
    # Half of a change is none.
    assert bakery_api.get(path).json()["campaign"]["name"] == "Spring"


def test_a_change_touches_what_it_names(bakery_api: ApiClient) -> None:
    made = created(bakery_api, max_attempts=2)
    answer = bakery_api.patch(
        f"/campaigns/{made['id']}", {"retry_delay_seconds": 120, "name": None}
    )
    assert answer.json()["campaign"] == {**made, "retry_delay_seconds": 120}


def test_a_window_of_the_whole_day_is_kept_and_another_refused(
    bakery_api: ApiClient,
) -> None:
    whole = {"schedule_start_time": "00:00:00", "schedule_end_time": "23:59:59"}
    made = created(bakery_api, **whole, timezone="Europe/Amsterdam")
    assert {name: made[name] for name in whole} == whole
    answer = bakery_api.post(
        "/campaigns",
        {
            "name": "A",
            "agent_id": str(bakery_api.house.assistant.pk),
            "schedule_start_time": "09:00:00",
        },
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "schedule_start_time"


def test_a_lead_that_cannot_be_called_is_named(
    bakery: House, bakery_api: ApiClient
) -> None:
    leads = [LEAD, {"phone_number": "12"}]
    body = {"name": "A", "agent_id": str(bakery.assistant.pk), "leads": leads}
    answer = bakery_api.post("/campaigns", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "leads[1].phone_number"
    with organization_scope(bakery.organization):
        assert not Campaign.objects.exists()


def test_leads_are_added_one_by_one_or_together(bakery_api: ApiClient) -> None:
    path = f"/campaigns/{created(bakery_api)['id']}/leads"
    one = bakery_api.post(path, {**LEAD, "name": "Ann"})
    assert one.status_code == 201
    assert one.json()["lead"]["name"] == "Ann"
    again = bakery_api.post(path, LEAD)
    assert again.status_code == 409
    other = {"phone_number": "+31612345679"}
    many = bakery_api.post(path, {"leads": [LEAD, other]})
    assert many.json() == {"lead": None, "added": 1, "skipped": 1}
    page = bakery_api.get(f"{path}?limit=1&offset=1").json()
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 1}
    lead_path = f"{path}/{page['leads'][0]['id']}"
    assert bakery_api.delete(lead_path).json() == {"success": True}
    assert bakery_api.delete(lead_path).status_code == 404


def test_a_running_campaign_is_not_deleted(
    bakery: House, bakery_api: ApiClient
) -> None:
    path = f"/campaigns/{make_campaign(bakery).pk}"
    assert bakery_api.delete(path).status_code == 409
    bakery_api.patch(path, {"status": "cancelled"})
    assert bakery_api.delete(path).json() == {"success": True}
    with organization_scope(bakery.organization):
        assert not Lead.objects.exists()


def test_a_lead_being_called_stays(bakery: House, bakery_api: ApiClient) -> None:
    campaign = make_campaign(bakery, leads=1, launched=False)
    with organization_scope(bakery.organization):
        lead = Lead.objects.get()
        Lead.objects.update(status=Lead.Status.CALLING)
    answer = bakery_api.delete(f"/campaigns/{campaign.pk}/leads/{lead.pk}")
    assert answer.status_code == 409


def test_another_organizations_campaign_is_not_there(
    bakery: House, garage_api: ApiClient
) -> None:
    path = f"/campaigns/{make_campaign(bakery).pk}"
    assert garage_api.get("/campaigns").json()["campaigns"] == []
    assert garage_api.get(path).status_code == 404
    assert garage_api.patch(path, {"status": "cancelled"}).status_code == 404
    assert garage_api.get(f"{path}/leads").status_code == 404
    assert garage_api.delete(path).status_code == 404
    with organization_scope(bakery.organization):
        assert Campaign.objects.get().status == "scheduled"
