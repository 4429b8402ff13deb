"""Saved lists and calling limits over the API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from campaigns.models import CallingLimits, Lead, SavedList
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.world import House

pytestmark = pytest.mark.django_db
ANN = {"phone_number": "+31612345678", "name": "Ann", "variables": {"n": 1}}


def test_a_list_is_made_filled_used_and_removed(
    bakery: House, bakery_api: ApiClient
) -> None:
    made = bakery_api.post("/saved-lists", {"name": "Regulars", "leads": [ANN]})
    assert made.status_code == 201
    row = made.json()["list"]
    assert (row["name"], row["people"], row["made_from"]) == ("Regulars", 1, None)
    path = f"/saved-lists/{row['id']}"
    more = {"leads": [ANN, {"phone_number": "0612345679"}]}
    assert bakery_api.post(f"{path}/people", more).json() == {"added": 1, "skipped": 1}
    people = bakery_api.get(f"{path}/people?limit=1").json()
    assert people["pagination"]["total"] == 2
    assert people["people"][0]["variables"] == {"n": "1"}
    campaign = make_campaign(bakery, leads=[], launched=False)
    used = bakery_api.post(f"{path}/use", {"campaign_id": str(campaign.pk)})
    assert used.json() == {"added": 2, "skipped": 0}
    saved = bakery_api.post(
        "/saved-lists", {"name": "Again", "campaign_id": str(campaign.pk)}
    )
    assert saved.json()["list"]["made_from"] == str(campaign.pk)
    listed = bakery_api.get("/saved-lists").json()["lists"]
    assert [one["name"] for one in listed] == ["Again", "Regulars"]
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.get(path).status_code == 404
    with organization_scope(bakery.organization):
        assert Lead.objects.filter(campaign=campaign).count() == 2


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "name"),
        ({"name": ""}, 400, "name"),
        (
            {"name": "A", "leads": [{"phone_number": "12"}]},
            400,
            "leads[0].phone_number",
        ),
        ({"name": "A", "campaign_id": str(uuid4())}, 404, None),
        ({"name": "A", "campaign_id": "x"}, 400, "campaign_id"),
        (
            {"name": "A", "leads": [ANN], "campaign_id": str(uuid4())},
            400,
            "campaign_id",
        ),
        ({"name": "A", "campaign_id": str(uuid4()), "outcomes": ["x"]}, 400, None),
        ({"name": "Taken"}, 409, None),
    ],
)
def test_what_makes_no_list_is_refused_by_name(
    bakery_api: ApiClient, body: dict[str, Any], status: int, param: str | None
) -> None:
    bakery_api.post("/saved-lists", {"name": "Taken"})
    answer = bakery_api.post("/saved-lists", body)
    assert answer.status_code == status
    if param:
        assert answer.json()["error"]["param"] == param
    with organization_scope(bakery_api.house.organization):
        assert SavedList.objects.count() == 1


def test_another_organizations_list_is_not_there(
    bakery_api: ApiClient, garage: House, garage_api: ApiClient
) -> None:
    made = bakery_api.post("/saved-lists", {"name": "Mine", "leads": [ANN]}).json()
    path = f"/saved-lists/{made['list']['id']}"
    campaign = make_campaign(garage, leads=[], launched=False)
    assert garage_api.get(path).status_code == 404
    assert garage_api.get(f"{path}/people").status_code == 404
    used = garage_api.post(f"{path}/use", {"campaign_id": str(campaign.pk)})
    assert used.status_code == 404
    assert garage_api.delete(path).status_code == 404
    assert bakery_api.get(path).status_code == 200


def test_limits_are_read_and_changed_and_nonsense_is_refused(
    bakery: House, bakery_api: ApiClient
) -> None:
    limits = bakery_api.get("/calling-limits").json()["limits"]
    assert limits == {
        "person_max_calls_per_day": 5,
        "person_gap_seconds": 0,
        "reserved_percent": 20,
        "max_calls_of_clients": None,
        "weight": 1,
    }
    body = {"person_max_calls_per_day": None, "person_gap_seconds": 3_600}
    changed = bakery_api.patch("/calling-limits", body).json()["limits"]
    assert changed == limits | body
    for wrong in (
        {"reserved_percent": 91},
        {"person_gap_seconds": -1},
        {"max_calls_of_clients": 5},
        {"weight": 9},
    ):
        answer = bakery_api.patch("/calling-limits", wrong)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == next(iter(wrong))
    with organization_scope(bakery.organization):
        row = CallingLimits.objects.get()
    assert (row.person_gap_s, row.reserved_percent, row.weight) == (3_600, 20, 1)
