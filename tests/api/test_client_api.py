"""An agency's clients over REST: limits, the end of calling, credits."""

from __future__ import annotations

from typing import Any

import pytest

from portal.models import Organization
from portal.scope import all_organizations
from tests.api.conftest import ApiClient
from tests.world import House


def stored(house: House) -> Organization:
    with all_organizations("the test looks at a client"):
        return Organization.objects.get(pk=house.organization.pk)


def test_a_client_is_read_limited_and_suspended(
    bakery: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    path = f"/organizations/{bakery.organization.pk}"
    before = acme_api.get(path).json()["organization"]
    assert (before["name"], before["status"]) == ("Bakery", "active")
    change = {
        "max_concurrent_calls": 3,
        "max_members": 2,
        "features_off": ["campaigns"],
    }
    changed = acme_api.patch(path, change).json()["organization"]
    assert changed == {**before, **change}
    assert acme_api.patch(path, {"status": "suspended"}).status_code == 200
    assert (stored(bakery).status, stored(bakery).max_members) == ("suspended", 2)
    refused = bakery_api.post("/web-calls", {"assistant_id": str(bakery.assistant.pk)})
    assert refused.json()["error"]["code"] == "organization_suspended"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"status": "closed"}, "status"),
        ({"max_members": -1}, "max_members"),
        ({"features_off": ["everything"]}, "features_off[0]"),
        ({"name": ""}, "name"),
        ({"balance": 1}, "balance"),
    ],
)
def test_a_bad_limit_is_refused(
    bakery: House, acme_api: ApiClient, body: Any, param: str
) -> None:
    answer = acme_api.patch(f"/organizations/{bakery.organization.pk}", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert stored(bakery).name == "Bakery"


def test_credits_are_given_once_for_a_key(
    bakery: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    path = f"/organizations/{bakery.organization.pk}/credits"
    before = bakery_api.get("/organizations").json()["credits_balance"]
    for _ in range(2):
        given = acme_api.post(
            path, {"credits": "12.5", "memo": "Thanks"}, idempotency_key="may"
        )
        assert given.status_code == 201, given.content
    assert bakery_api.get("/organizations").json()["credits_balance"] == before + 12.5
    other = acme_api.post(
        path, {"credits": "13", "memo": "Thanks"}, idempotency_key="may"
    )
    assert other.json()["error"]["code"] == "idempotency_conflict"
    [line] = bakery_api.get("/billing/ledger?limit=1").json()["lines"]
    assert (line["credits"], line["memo"]) == ("12.50", "Thanks")


def test_credits_move_out_of_the_pool_and_no_further(
    bakery: House, acme_api: ApiClient
) -> None:
    path = f"/organizations/{bakery.organization.pk}/credits"
    pool = acme_api.get("/organizations").json()["credits_balance"]
    moved = acme_api.post(path, {"credits": "10", "memo": "Fair", "move": True})
    assert moved.status_code == 201, moved.content
    assert acme_api.get("/organizations").json()["credits_balance"] == pool - 10
    poor = acme_api.post(path, {"credits": "9000000", "memo": "Fair", "move": True})
    assert poor.status_code == 402
    assert acme_api.get("/organizations").json()["credits_balance"] == pool - 10


@pytest.mark.parametrize("credits", ["0", "-1", "1e3", "many", "0.0000001", "99999999"])
def test_a_bad_amount_is_refused(
    bakery: House, acme_api: ApiClient, credits: str
) -> None:
    path = f"/organizations/{bakery.organization.pk}/credits"
    answer = acme_api.post(path, {"credits": credits, "memo": "Fair"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "credits")


def test_a_client_has_no_clients_and_anothers_are_not_there(
    acme: House,
    bakery: House,
    garage: House,
    acme_api: ApiClient,
    bakery_api: ApiClient,
) -> None:
    for house in (acme, bakery):
        path = f"/organizations/{house.organization.pk}"
        assert bakery_api.get(path).status_code == 403
        assert (
            bakery_api.post(
                f"{path}/credits", {"credits": "1", "memo": "Fair"}
            ).status_code
            == 403
        )
    for house in (acme, garage):
        path = f"/organizations/{house.organization.pk}"
        assert acme_api.get(path).status_code == 404
        assert acme_api.patch(path, {"name": "Mine"}).status_code == 404
    assert stored(garage).name != "Mine"
