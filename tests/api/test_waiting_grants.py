"""Credits that wait for a second owner: a key sees them and takes them back, no more."""

from __future__ import annotations

import pytest
from django.urls import reverse

from billing.by_hand import set_approval_limit
from portal.models import Role
from portal.scope import organization_scope
from tests.api.conftest import ApiClient, key_of
from tests.billing.books import CREDIT, credits_of
from tests.world import CREDITS, House, browser, join

BEFORE = CREDITS * CREDIT


@pytest.fixture
def asked(acme: House, bakery: House, acme_owner: ApiClient) -> str:
    """What a key asked for above the limit, by its id."""
    with organization_scope(acme.organization):
        set_approval_limit(
            agency=acme.organization, microcredits=10 * CREDIT, actor=None
        )
    answer = acme_owner.post(
        f"/organizations/{bakery.organization.pk}/credits",
        {"credits": "11", "memo": "Fair"},
    )
    assert answer.status_code == 202
    id_: str = answer.json()["request_id"]
    return id_


def test_a_key_sees_what_waits_and_what_became_of_it(
    acme: House, bakery: House, acme_owner: ApiClient, asked: str
) -> None:
    listed = acme_owner.get("/selling/grants?state=waiting").json()
    assert (listed["limit_credits"], listed["pagination"]["total"]) == ("10.00", 1)
    [grant] = listed["grants"]
    assert (grant["id"], grant["client"]) == (asked, "Bakery")
    assert (grant["credits"], grant["memo"], grant["way"]) == ("11.00", "Fair", "give")
    assert grant["asked_by"].startswith("Team key fl_live_")
    anna = browser(acme, join(acme, "anna", Role.OWNER))
    anna.post(reverse("selling_grant_decide", args=[asked, "approve"]))
    grant = acme_owner.get(f"/selling/grants/{asked}").json()["grant"]
    assert (grant["state"], grant["decided_by"]) == ("approved", "anna@acme.example")
    assert credits_of(bakery.organization) == (BEFORE + 11 * CREDIT, 0)
    refused = acme_owner.post(f"/selling/grants/{asked}/refuse")
    assert refused.status_code == 409
    assert credits_of(bakery.organization) == (BEFORE + 11 * CREDIT, 0)


def test_a_key_takes_back_what_waits(
    acme: House, bakery: House, acme_owner: ApiClient, asked: str
) -> None:
    for _time in range(2):
        refused = acme_owner.post(f"/selling/grants/{asked}/refuse")
        assert refused.json()["grant"]["state"] == "refused"
    [record] = acme_owner.get("/audit-records?action=grant_request.refused").json()[
        "audit_records"
    ]
    assert record["api_key"].startswith("Team key fl_live_")
    anna = browser(acme, join(acme, "anna", Role.OWNER))
    decide = reverse("selling_grant_decide", args=[asked, "approve"])
    assert anna.post(decide).status_code == 404
    assert credits_of(bakery.organization) == (BEFORE, 0)


def test_no_key_approves_or_lifts_the_limit(
    bakery: House, acme_owner: ApiClient, bakery_api: ApiClient, asked: str
) -> None:
    assert acme_owner.post(f"/selling/grants/{asked}/approve").status_code == 404
    assert acme_owner.patch("/selling/grants", {"limit": None}).status_code == 405
    assert bakery_api.get("/selling/grants").status_code == 403
    assert bakery_api.post(f"/selling/grants/{asked}/refuse").status_code == 403
    assert credits_of(bakery.organization) == (BEFORE, 0)


def test_another_agencys_requests_are_not_there(globex: House, asked: str) -> None:
    other = key_of(globex, Role.OWNER)
    assert other.get("/selling/grants").json()["grants"] == []
    assert other.get(f"/selling/grants/{asked}").status_code == 404
    assert other.post(f"/selling/grants/{asked}/refuse").status_code == 404
