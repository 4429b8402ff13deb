"""Over REST: how content is treated, and people's requests about their own data."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from campaigns.models import Lead
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.config.test_data_requests import NUMBER, lead
from tests.world import House


def test_choices_are_changed_and_never_looser_than_the_agencys(
    acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    acme = acme_api.patch("/privacy", {"regions": "eu", "redacted_categories": []})
    assert (acme.status_code, acme.json()["bounds"]) == (200, None)
    seen = bakery_api.get("/privacy").json()
    assert seen["privacy"]["regions"] == "anywhere"
    assert seen["bounds"]["regions"] == "eu"
    change = {
        "regions": "own",
        "trusted_hosts": ["CRM.example.com", "crm.example.com"],
        "redacted_categories": ["email", "payment_card"],
    }
    changed = bakery_api.patch("/privacy", change).json()["privacy"]
    assert changed["trusted_hosts"] == ["crm.example.com"]
    assert changed["redacted_categories"] == ["email", "payment_card"]
    loose = bakery_api.patch("/privacy", {"regions": "anywhere"})
    assert loose.json()["error"]["param"] == "regions"
    assert bakery_api.get("/privacy").json()["privacy"]["regions"] == "own"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"regions": "moon"}, "regions"),
        ({"trusted_hosts": ["no host"]}, "trusted_hosts"),
        ({"content_retention_days": 31}, "content_retention_days"),
        (
            {"content_retention_days": 180, "metadata_retention_days": 90},
            "content_retention_days",
        ),
        ({"redacted_categories": ["names"]}, "redacted_categories[0]"),
        ({"gdpr_mode": "yes"}, "gdpr_mode"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_by_its_field(
    bakery_api: ApiClient, body: Any, param: str
) -> None:
    before = bakery_api.get("/privacy").json()
    answer = bakery_api.patch("/privacy", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.get("/privacy").json() == before


def test_a_person_is_found_handed_over_and_erased(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    lead(bakery)
    who = {"phone_number": NUMBER}
    found = bakery_api.post("/subjects/find", who).json()
    assert (found["leads"], found["calls"], found["suppressed"]) == (1, 0, False)
    assert garage_api.post("/subjects/find", who).json()["leads"] == 0
    # A file is not kept under an idempotency key; it is read again.
    for _ in range(2):
        packed = bakery_api.post("/subjects/export", who, idempotency_key="once")
        assert packed["Content-Type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
            data = json.loads(archive.read("data.json"))
        assert data["leads"][0]["name"] == "Jan"
    erased = bakery_api.post("/subjects/erase", who)
    assert erased.status_code == 201
    certificate = erased.json()["erasure"]
    assert certificate["lead_count"] == 1
    assert certificate["erased_by"].startswith("Test fl_live_")
    assert NUMBER not in erased.content.decode()
    with organization_scope(bakery.organization):
        assert not Lead.objects.filter(phone_number=NUMBER).exists()
    assert bakery_api.get("/subjects/erasures").json()["erasures"] == [certificate]
    one = f"/subjects/erasures/{certificate['id']}"
    assert bakery_api.get(one).json()["erasure"] == certificate
    assert garage_api.get(one).status_code == 404


@pytest.mark.parametrize("tail", ["find", "export", "erase"])
def test_what_is_no_number_is_refused(bakery_api: ApiClient, tail: str) -> None:
    answer = bakery_api.post(f"/subjects/{tail}", {"phone_number": "12"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (
        400,
        "phone_number",
    )


def test_a_hold_keeps_everything(bakery: House, bakery_api: ApiClient) -> None:
    row = lead(bakery)
    bakery_api.patch("/privacy", {"legal_hold_reason": "A lawsuit."})
    refused = bakery_api.post("/subjects/erase", {"phone_number": NUMBER})
    assert refused.json()["error"]["code"] == "conflict"
    with organization_scope(bakery.organization):
        assert Lead.objects.get(pk=row.pk).phone_number == NUMBER
