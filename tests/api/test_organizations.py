"""Organizations, usage, voices and health over REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from calls.models import Call
from portal.models import Organization
from portal.scope import all_organizations
from tests.api.conftest import ApiClient
from tests.api.test_calls import stored
from tests.world import House


def settled(house: House, **fields: Any) -> Call:
    return stored(
        house,
        **{
            "settled_at": timezone.now(),
            "billed_seconds": 84,
            "cost_microcredits": 1_400_000,
            **fields,
        },
    )


def test_a_key_shows_its_organization(bakery: House, bakery_api: ApiClient) -> None:
    settled(bakery)
    stored(bakery, status=Call.Status.IN_PROGRESS)
    shown = bakery_api.get("/organizations?include_children=true").json()
    assert shown["id"] == str(bakery.organization.pk)
    assert shown["parent_org_id"] == str(bakery.portal.agency_id)
    assert shown["credits_balance"] == 5000
    assert shown["minutes_balance"] == 5000
    assert shown["monthly_usage_minutes"] == 1.4
    assert (shown["active_numbers"], shown["active_agents"]) == (1, 1)
    assert shown["active_calls"] == 1
    assert shown["children"] == []


def test_an_agency_sees_its_own_children_only(
    acme_api: ApiClient, bakery: House, garage: House
) -> None:
    assert acme_api.get("/organizations").json()["children"] is None
    shown = acme_api.get("/organizations?include_children=true").json()
    assert [child["name"] for child in shown["children"]] == ["Bakery"]


def test_an_agency_opens_a_client_whose_key_works(
    acme: House, acme_api: ApiClient
) -> None:
    answer = acme_api.post("/organizations", {"name": "Florist"})
    assert answer.status_code == 201, answer.content
    opened = answer.json()
    assert opened["parent_org_id"] == str(acme.organization.pk)
    florist = ApiClient(acme, key=opened["api_key"]).get("/organizations").json()
    assert florist["id"] == opened["id"]
    assert florist["credits_balance"] == 0


def test_a_client_opens_nothing(bakery_api: ApiClient) -> None:
    answer = bakery_api.post("/organizations", {"name": "Florist"})
    assert answer.status_code == 403
    with all_organizations("nothing was opened"):
        assert not Organization.objects.filter(name="Florist").exists()


def test_nothing_is_opened_below_another_agency(
    acme_api: ApiClient, globex: House
) -> None:
    answer = acme_api.post(
        "/organizations",
        {"name": "Florist", "parent_org_id": str(globex.organization.pk)},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "parent_org_id"


def test_usage_sums_the_period_and_pages_the_logs(
    bakery: House, bakery_api: ApiClient, garage: House
) -> None:
    for day in (1, 2, 3):
        settled(bakery, created_at=datetime(2026, 3, day, 12, tzinfo=UTC))
    settled(garage)
    stored(bakery)  # not settled
    usage = bakery_api.get("/usage?limit=1&start_date=2026-03-02&end_date=2026-03-31")
    said = usage.json()["pagination"]
    assert said.pop("next_cursor")
    assert said == {"total": 2, "limit": 1, "offset": 0}
    assert usage.json()["summary"] == {
        "total_calls": 2,
        "total_duration_seconds": 168,
        "total_duration_minutes": 2.8,
        "total_cost_credits": "2.80",
    }
    (log,) = usage.json()["logs"]
    assert log["duration_sec"] == 84
    assert log["call_type"] == "phone"
    assert log["phone_number"] == "+31612345678"
    assert log["agent_name"] == "Front desk"


def test_usage_of_nothing_is_zero(bakery_api: ApiClient) -> None:
    assert bakery_api.get("/usage").json()["summary"]["total_calls"] == 0


def test_a_voice_can_be_given_to_an_assistant(bakery_api: ApiClient) -> None:
    voices = bakery_api.get("/voices").json()["voices"]
    voice = next(v for v in voices if v["provider"] == "offline")
    assert voice["is_available"] is True
    assert set(voice["description"]) == {"en", "nl"}
    made = bakery_api.post(
        "/assistants",
        {
            "name": "A",
            "tts_config": {"provider": voice["provider"], "voice_id": voice["id"]},
        },
    )
    assert made.status_code == 201


def test_health_needs_no_key(acme: House) -> None:
    health = Client(SERVER_NAME=acme.host).get("/api/v1/health").json()
    assert health["status"] == "ok"
    assert health["checks"]["database"]["latency_ms"] >= 0
