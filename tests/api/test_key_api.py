"""Keys over REST: none gets more than the one it is made with."""

from __future__ import annotations

from typing import Any

import pytest

from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.world import House


def client_with(house: House, **values: Any) -> ApiClient:
    with organization_scope(house.organization):
        _row, text = issue_key(
            organization=house.organization, name="Test", actor=None, **values
        )
    return ApiClient(house, text)


def test_a_key_makes_replaces_and_ends_a_key(
    bakery: House, bakery_api: ApiClient
) -> None:
    answer = bakery_api.post("/api-keys", {"name": "CRM", "scopes": ["calls:read"]})
    assert answer.status_code == 201
    made = answer.json()
    crm = ApiClient(bakery, made["key"])
    assert crm.get("/calls").status_code == 200
    assert crm.get("/assistants").status_code == 403
    address = f"/api-keys/{made['api_key']['id']}"
    new = bakery_api.post(f"{address}/rotate", {"overlap_hours": 0}).json()
    assert crm.get("/calls").status_code == 401
    newer = ApiClient(bakery, new["key"])
    assert newer.get("/calls").status_code == 200
    assert bakery_api.delete(f"/api-keys/{new['api_key']['id']}").json()["success"]
    assert newer.get("/calls").status_code == 401
    assert made["key"] not in bakery_api.get("/api-keys").text


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ({"scopes": ["api_keys:write"]}, {"scopes": ["write"]}),
        ({"scopes": ["api_keys:write", "calls:read"]}, {"scopes": ["calls:write"]}),
        ({"mode": "test"}, {"mode": "live"}),
        ({"scopes": ["read"]}, {}),
    ],
)
def test_no_key_makes_a_mightier_one(
    bakery: House, held: dict[str, Any], wanted: dict[str, Any]
) -> None:
    answer = client_with(bakery, **held).post("/api-keys", {"name": "More", **wanted})
    assert answer.status_code == 403


def test_an_admins_key_does_not_replace_an_owners(bakery: House) -> None:
    with organization_scope(bakery.organization):
        owners, _text = issue_key(
            organization=bakery.organization, name="Owner", actor=None, role=Role.OWNER
        )
    answer = client_with(bakery).post(f"/api-keys/{owners.pk}/rotate")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"scopes": ["everything"]}, "scopes[0]"),
        ({"networks": ["nowhere"]}, "networks[0]"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_wish_is_named(
    bakery_api: ApiClient, values: dict[str, Any], param: str
) -> None:
    answer = bakery_api.post("/api-keys", {"name": "CRM", **values})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
