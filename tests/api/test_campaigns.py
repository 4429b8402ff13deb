"""Campaigns and leads over REST, in both generations of names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from calls.services.nodes import register_node
from calls.session.events import EndReason
from campaigns.dialing import dial_campaign
from campaigns.models import Campaign, Lead, LegalHours
from campaigns.tasks import finish_attempt
from common.windows import WHOLE_WEEK
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import end_call, make_campaign
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


def test_a_daily_window_is_kept_in_both_generations_of_writing_it(
    bakery_api: ApiClient,
) -> None:
    made = created(bakery_api)
    assert made["schedule_start_time"] == "00:00:00"
    assert made["schedule_end_time"] == "23:59:59"
    window = {"schedule_start_time": "09:00:00", "schedule_end_time": "17:30:00"}
    made = created(bakery_api, **window, timezone="America/New_York")
    assert {name: made[name] for name in window} == window
    assert made["timezone"] == "America/New_York"
    assert made["hours"]["sun"] == [["09:00", "17:30"]]
    short = created(bakery_api, schedule_start_time="09:00", schedule_end_time="17:00")
    assert short["schedule_end_time"] == "17:00:00"
    night = created(bakery_api, schedule_start_time="22:00", schedule_end_time="02:00")
    assert night["hours"]["mon"] == [["00:00", "02:00"], ["22:00", "24:00"]]


def test_hours_days_rules_and_limits_come_back_as_they_were_sent(
    bakery_api: ApiClient,
) -> None:
    sent = {
        "hours": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]]},
        "days_off": ["2026-12-24"],
        "closed_on_holidays": True,
        "start_date": "2026-12-01",
        "end_date": "2026-12-31",
        "retry_rules": {
            "busy": {"delays_seconds": [300], "max_times": 2, "shift_minutes": 180}
        },
        "dropped_below_seconds": 5,
        "weight": 3,
        "budget_credits": "12.50",
        "local_presence": True,
        "number_daily_cap": 40,
        "consent": "lead",
        "opt_out_digit": "5",
        "variant_percent": 50,
    }
    made = created(bakery_api, **sent)
    assert {name: made[name] for name in sent} == sent
    path = f"/campaigns/{made['id']}"
    bakery_api.patch(path, {"end_date": None, "budget_credits": None})
    after = bakery_api.get(path).json()["campaign"]
    assert (after["end_date"], after["budget_credits"]) == (None, None)
    assert after["start_date"] == "2026-12-01"


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("hours", {"monday": []}, "hours"),
        ("hours", {"mon": [["17:00", "09:00"]]}, "hours"),
        ("hours", {}, "hours"),
        ("schedule_start_time", "9", "schedule_start_time"),
        ("timezone", "Amsterdam", "timezone"),
        ("days_off", ["tomorrow"], "days_off[0]"),
        ("retry_rules", {"asleep": {}}, "retry_rules"),
        ("weight", 0, "weight"),
        ("budget_credits", -1, "budget_credits"),
        ("number_ids", ["0192f0c1-2d3e-7000-8000-000000000000"], "number_ids[0]"),
        ("opt_out_digit", "99", "opt_out_digit"),
        (
            "variant_assistant_id",
            "0192f0c1-2d3e-7000-8000-000000000000",
            "variant_assistant_id",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    bakery: House, bakery_api: ApiClient, field: str, value: object, param: str
) -> None:
    body = {"name": "A", "agent_id": str(bakery.assistant.pk), field: value}
    answer = bakery_api.post("/campaigns", body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert not Campaign.objects.exists()


def test_an_end_before_the_start_is_refused(bakery_api: ApiClient) -> None:
    made = created(bakery_api, start_date="2026-12-01")
    path = f"/campaigns/{made['id']}"
    answer = bakery_api.patch(path, {"end_date": "2026-11-30"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "end_date"


def test_a_lead_is_changed_skipped_and_called_next(bakery_api: ApiClient) -> None:
    made = created(bakery_api, leads=[{**LEAD, "consent_basis": "written"}])
    leads = f"/campaigns/{made['id']}/leads"
    (lead,) = bakery_api.get(leads).json()["leads"]
    assert lead["time_zone"] == "Europe/Amsterdam"
    assert lead["consent_basis"] == "written"
    path = f"{leads}/{lead['id']}"
    changed = bakery_api.patch(
        path, {"name": "Ann", "priority": True, "time_zone": "Asia/Tokyo"}
    ).json()["lead"]
    assert (changed["name"], changed["priority"]) == ("Ann", True)
    assert changed["time_zone"] == "Asia/Tokyo"
    skipped = bakery_api.patch(path, {"status": "skipped"}).json()["lead"]
    assert (skipped["status"], skipped["skip_reason"]) == ("skipped", "by_hand")
    assert bakery_api.patch(path, {"status": "skipped"}).status_code == 409
    again = bakery_api.patch(path, {"status": "pending"}).json()["lead"]
    assert (again["status"], again["skip_reason"]) == ("pending", None)
    wrong = bakery_api.patch(path, {"time_zone": "Nowhere"})
    assert wrong.json()["error"]["param"] == "time_zone"


def test_why_somebody_is_not_called_is_one_call(bakery_api: ApiClient) -> None:
    hours = {"hours": {"mon": [["12:00", "12:01"]]}}
    made = created(bakery_api, leads=[LEAD], **hours)
    leads = f"/campaigns/{made['id']}/leads"
    (lead,) = bakery_api.get(leads).json()["leads"]
    why = bakery_api.get(f"{leads}/{lead['id']}/why").json()
    assert why["answer"] == "held"
    assert why["reason"] in ("campaign_hours", "legal_hours")
    assert why["until"]
    assert [check["check"] for check in why["checks"]][:3] == [
        "lists",
        "consent",
        "time_zone",
    ]
    assert not why["checks"][-1]["ok"]
    bakery_api.post("/suppressions", {"phone_numbers": [LEAD["phone_number"]]})
    why = bakery_api.get(f"{leads}/{lead['id']}/why").json()
    assert (why["answer"], why["reason"]) == ("refused", "suppressed")
    assert bakery_api.get(f"{leads}/{made['id']}/why").status_code == 404


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
    assert again.json()["error"]["param"] == "phone_number"
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


def test_counters_and_lead_statuses_follow_the_calls_to_the_end(
    bakery: House, bakery_api: ApiClient
) -> None:
    register_node(host="test", pid=1, capacity=50)
    LegalHours.objects.create(country="NL", hours=WHOLE_WEEK.as_json())
    people = [{"phone_number": f"+3161234567{n}"} for n in range(4)]
    made = created(bakery_api, leads=people, max_attempts=1)
    path = f"/campaigns/{made['id']}"
    listed = bakery_api.get(f"{path}/leads").json()["leads"]
    bakery_api.patch(f"{path}/leads/{listed[3]['id']}", {"status": "skipped"})

    def counters() -> tuple[Any, ...]:
        shown = bakery_api.get(path).json()["campaign"]
        names = ("status", "total_leads", "completed_leads", "failed_leads")
        return tuple(shown[name] for name in names)

    def statuses() -> list[str]:
        found = bakery_api.get(f"{path}/leads").json()["leads"]
        return [lead["status"] for lead in found]

    assert counters() == ("draft", 4, 0, 0)
    started = bakery_api.patch(path, {"status": "scheduled"}).json()["campaign"]
    assert started["started_at"]
    with organization_scope(bakery.organization):
        dial_campaign(campaign_id=UUID(made["id"]), organization=bakery.organization)
    assert statuses() == ["calling", "calling", "calling", "skipped"]
    for lead, reason in zip(
        bakery_api.get(f"{path}/leads").json()["leads"],
        (EndReason.USER_HANGUP, EndReason.BUSY, EndReason.NO_ANSWER),
        strict=False,
    ):
        assert lead["attempts"] == 1
        assert lead["last_attempt_at"]
        end_call(
            bakery,
            UUID(lead["call_id"]),
            reason,
            answered=reason == EndReason.USER_HANGUP,
        )
        finish_attempt(
            call_id=lead["call_id"], organization_id=str(bakery.organization.pk)
        )
    assert statuses() == ["completed", "failed", "failed", "skipped"]
    assert counters() == ("completed", 4, 1, 2)
    done = bakery_api.get(path).json()["campaign"]
    assert done["finished_at"]
    assert done["agent_id"] == done["assistant_id"]
    refused = bakery_api.patch(path, {"status": "paused"})
    assert refused.status_code == 409
    assert refused.json()["error"]["param"] == "status"
