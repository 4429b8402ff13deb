"""Over REST: calls and campaigns as files, and a campaign made from another."""

from __future__ import annotations

import csv
import io
from typing import Any

from campaigns.models import Lead
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.calls.test_live_pages import stored
from tests.campaigns.builders import make_campaign
from tests.world import House


def read(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_calls_are_exported_as_they_are_filtered(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    stored(bakery, status="rejected", end_reason="number_inactive")
    stored(bakery, status="ended", end_reason="user_hangup", caller_number="=1+1")
    wanted = "end_reason=number_inactive"
    (row,) = read(bakery_api.get(f"/calls/export.csv?{wanted}"))
    assert (row["status"], row["from"]) == ("rejected", "+31612345678")
    (same,) = bakery_api.get(f"/calls?{wanted}").json()["calls"]
    assert same["id"] == row["id"]
    whole = read(bakery_api.get("/calls/export.csv"))
    assert {row["from"] for row in whole} == {"+31612345678", "'=1+1"}
    assert read(garage_api.get("/calls/export.csv")) == []
    for path in ("/calls/export.csv", "/calls"):
        wrong = bakery_api.get(f"{path}?end_reason=bored")
        assert wrong.json()["error"]["param"] == "end_reason"
    assert bakery_api.get("/calls/export.csv?limit=1").status_code == 400


def test_a_report_is_a_file(bakery: House, bakery_api: ApiClient) -> None:
    campaign = make_campaign(bakery, leads=2, launched=False)
    rows = read(bakery_api.get(f"/campaigns/{campaign.pk}/report.csv"))
    assert [row["name"] for row in rows] == ["Lead 0", "Lead 1"]
    sheet = bakery_api.get(f"/campaigns/{campaign.pk}/report.xlsx")
    assert sheet.content.startswith(b"PK")
    assert sheet["Content-Disposition"].endswith('.xlsx"')


def test_a_campaign_is_copied_with_the_people_of_some_results(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    campaign = make_campaign(bakery, leads=3, launched=False)
    with organization_scope(bakery.organization):
        busy = Lead.objects.filter(campaign=campaign).first()
        assert busy is not None
        Lead.objects.filter(pk=busy.pk).update(last_outcome="busy")
    path = f"/campaigns/{campaign.pk}/copy"
    made = bakery_api.post(path, {"outcomes": ["busy"]})
    assert made.status_code == 201
    shown = made.json()["campaign"]
    assert (shown["status"], shown["total_leads"]) == ("draft", 1)
    assert bakery_api.post(path).json()["campaign"]["total_leads"] == 3
    nobody = bakery_api.post(path, {"outcomes": ["voicemail"]})
    assert nobody.json()["error"]["code"] == "campaign_not_ready"
    assert garage_api.post(path).status_code == 404
    with organization_scope(bakery.organization):
        assert Lead.objects.exclude(campaign=campaign).count() == 4
