"""Lists of people sent as files over REST: previewed, mapped, imported, watched."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from campaigns import discarding, streaming
from campaigns.models import Campaign, Lead, LeadImport
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.campaigns.test_setup_flow import xlsx
from tests.world import House

LIST = b"Mobile;Name;City;Room\n0612345678;Ann;Delft;1\n12;Bob;;2\n0612345679;Cid;;3\n"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def campaign(bakery: House) -> Campaign:
    return make_campaign(bakery, leads=[], launched=False)


def path(campaign: Campaign, tail: str = "") -> str:
    return f"/campaigns/{campaign.pk}/imports{tail}"


def run(house: House, import_id: str) -> None:
    with organization_scope(house.organization):
        streaming.run_import(import_id=LeadImport.objects.get(pk=import_id).pk)


def test_a_preview_says_what_the_columns_seem_to_be(
    campaign: Campaign, bakery_api: ApiClient
) -> None:
    seen = bakery_api.send_file(path(campaign, "/preview"), LIST).json()
    assert seen["has_headings"] is True
    assert [(c["heading"], c["role"]) for c in seen["columns"]] == [
        ("Mobile", "phone_number"),
        ("Name", "name"),
        ("City", "variable"),
        ("Room", "variable"),
    ]
    assert seen["columns"][1]["values"] == ["Ann", "Bob", "Cid"]
    assert bakery_api.get(path(campaign)).json()["imports"] == []


def test_a_file_is_imported_and_its_faults_are_a_file(
    bakery: House, campaign: Campaign, bakery_api: ApiClient
) -> None:
    answer = bakery_api.send_file(
        path(campaign), LIST, columns='{"City": "variable", "Room": "leave_out"}'
    )
    assert answer.status_code == 202
    begun = answer.json()["lead_import"]
    assert (begun["status"], begun["file_name"]) == ("waiting", "people.csv")
    run(bakery, begun["id"])
    one = path(campaign, f"/{begun['id']}")
    done = bakery_api.get(one).json()["lead_import"]
    assert (done["status"], done["percent"]) == ("finished", 100)
    assert (done["added"], done["errors"], done["duplicates"]) == (2, 1, 0)
    with organization_scope(bakery.organization):
        ann = Lead.objects.get(phone_number="+31612345678")
    assert (ann.name, ann.variables) == ("Ann", {"city": "Delft"})
    faults = bakery_api.get(f"{one}/faults.csv")
    assert faults["Content-Type"].startswith("text/csv")
    lines = b"".join(faults.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "line,value,problem"
    assert lines[1].startswith("3,12,")
    assert bakery_api.post(f"{one}/cancel").json()["error"]["code"] == "conflict"
    assert [row["id"] for row in bakery_api.get(path(campaign)).json()["imports"]] == [
        begun["id"]
    ]


def test_a_spreadsheet_without_headings_is_mapped_by_number(
    bakery: House, campaign: Campaign, bakery_api: ApiClient
) -> None:
    sheet = xlsx([["Ann", "+31612345678"], ["Bob", "+31612345679"]])
    answer = bakery_api.send_file(
        path(campaign),
        sheet,
        name="people.xlsx",
        columns='{"1": "name", "2": "phone_number"}',
    )
    run(bakery, answer.json()["lead_import"]["id"])
    with organization_scope(bakery.organization):
        names = list(Lead.objects.order_by("name").values_list("name", flat=True))
    assert names == ["Ann", "Bob"]


def test_an_import_is_stopped(campaign: Campaign, bakery_api: ApiClient) -> None:
    begun = bakery_api.send_file(path(campaign), LIST).json()["lead_import"]
    stopped = bakery_api.post(path(campaign, f"/{begun['id']}/cancel")).json()
    assert stopped["lead_import"]["status"] == "cancelled"


def test_what_was_stopped_goes_on_or_is_taken_back(
    bakery: House, campaign: Campaign, bakery_api: ApiClient
) -> None:
    begun = bakery_api.send_file(path(campaign), LIST).json()["lead_import"]
    one = path(campaign, f"/{begun['id']}")
    for early in ("/resume", "/discard"):
        assert bakery_api.post(one + early).json()["error"]["code"] == "conflict"
    bakery_api.post(f"{one}/cancel")
    again = bakery_api.post(f"{one}/resume").json()["lead_import"]
    assert again["status"] == "waiting"
    run(bakery, begun["id"])
    discarded = bakery_api.post(f"{one}/discard").json()["lead_import"]
    assert discarded["status"] == "discarding"
    with organization_scope(bakery.organization):
        discarding.run_discard(import_id=LeadImport.objects.get().pk)
        assert not Lead.objects.exists()
    done = bakery_api.get(one).json()["lead_import"]
    assert (done["status"], done["added"], done["removed"]) == ("discarded", 2, 2)


def test_the_same_file_with_the_same_key_is_imported_once(
    campaign: Campaign, bakery_api: ApiClient
) -> None:
    first, again = (
        bakery_api.send_file(path(campaign), LIST, idempotency_key="once")
        for _ in range(2)
    )
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    other = bakery_api.send_file(path(campaign), LIST + b"x;", idempotency_key="once")
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert len(bakery_api.get(path(campaign)).json()["imports"]) == 1


@pytest.mark.parametrize(
    ("content", "fields", "param"),
    [
        (b"\n", {}, "file"),
        (b"PK\x03\x04 no archive", {}, "file"),
        (LIST, {"columns": '{"Mobile": "leave_out"}'}, "columns"),
        (LIST, {"columns": '{"Telephone": "phone_number"}'}, "columns.Telephone"),
        (LIST, {"columns": '{"City": "town"}'}, "columns.City"),
        (LIST, {"columns": "City"}, "columns"),
        (LIST, {"region": "nl"}, "region"),
        (LIST, {"country": "NL"}, "country"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_its_field(
    campaign: Campaign,
    bakery_api: ApiClient,
    content: bytes,
    fields: dict[str, str],
    param: str,
) -> None:
    answer = bakery_api.send_file(path(campaign), content, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.get(path(campaign)).json()["imports"] == []


def test_what_is_no_form_with_a_file_is_refused(
    campaign: Campaign, bakery_api: ApiClient
) -> None:
    bare = bakery_api.post(path(campaign), {"file": "people.csv"})
    assert bare.json()["error"]["code"] == "unsupported_media_type"
    without = bakery_api.client.post(f"/api/v1{path(campaign)}", {"region": "NL"})
    assert without.json()["error"] == {
        "code": "missing_field",
        "message": "Missing required field: file",
        "param": "file",
        "type": "validation_error",
    }
    torn = bakery_api.client.generic(
        "POST", f"/api/v1{path(campaign)}", "--x", content_type="multipart/form-data"
    )
    assert (torn.status_code, torn.json()["error"]["code"]) == (400, "invalid_request")
    form = bakery_api.client.post("/api/v1/campaigns", {"file": io.BytesIO(LIST)})
    assert form.json()["error"]["code"] == "unsupported_media_type"
    huge = bakery_api.client.generic(
        "POST",
        f"/api/v1{path(campaign)}",
        "--x",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH="600000000",
    )
    assert (huge.status_code, huge.json()["error"]["code"]) == (413, "body_too_large")


def test_another_organizations_campaign_takes_nothing(
    campaign: Campaign, garage_api: ApiClient
) -> None:
    assert garage_api.send_file(path(campaign), LIST).status_code == 404
    assert garage_api.get(path(campaign)).status_code == 404
