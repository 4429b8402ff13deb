"""An agency's clients over REST: limits, the end of calling, credits."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from portal.models import Organization, SignUpRequest
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.world import House, browser


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
    assert poor.json()["error"]["param"] == "credits"
    assert "pool" in poor.json()["error"]["message"]
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


def test_a_clients_notes_are_the_agencys(
    acme: House, bakery: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    path = f"/organizations/{bakery.organization.pk}/notes"
    for text in ("Pays late.", "Called back."):
        kept = acme_api.post(path, {"text": text})
        assert kept.status_code == 201
    assert kept.json()["note"]["author"] is None
    found = acme_api.get(f"{path}?limit=1").json()
    assert [one["text"] for one in found["notes"]] == ["Called back."]
    cursor = found["pagination"]["next_cursor"]
    [older] = acme_api.get(f"{path}?cursor={cursor}").json()["notes"]
    assert older["text"] == "Pays late."
    assert bakery_api.get(path).status_code == 403
    assert acme_api.post(path, {"text": " "}).json()["error"]["param"] == "text"
    page = browser(acme, acme.people["alice"]).get(
        f"/clients/{bakery.organization.pk}/"
    )
    assert "Pays late." in page.content.decode()


def test_a_client_is_put_away_and_kept_after_all(
    bakery: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    path = f"/organizations/{bakery.organization.pk}"
    none = acme_api.delete(f"{path}/deletion")
    assert none.json()["error"]["code"] == "conflict"
    asked = acme_api.post(f"{path}/deletion")
    assert asked.status_code == 202
    ends = asked.json()["organization"]["delete_at"]
    assert asked.json()["organization"]["status"] == "archived"
    again = acme_api.post(f"{path}/deletion").json()["organization"]
    assert again["delete_at"] == ends
    assert bakery_api.get("/assistants").status_code == 403
    kept = acme_api.delete(f"{path}/deletion").json()["organization"]
    assert (kept["status"], kept["delete_at"]) == ("suspended", None)


def test_a_client_is_opened_with_its_owner(acme_api: ApiClient, acme: House) -> None:
    opened = acme_api.post(
        "/organizations", {"name": "Florist", "owner_email": "fleur@florist.example"}
    ).json()
    invited = ApiClient(acme, opened["api_key"]).get("/invitations").json()
    assert [(one["email"], one["role"]) for one in invited["invitations"]] == [
        ("fleur@florist.example", "owner")
    ]
    wrong = acme_api.post("/organizations", {"name": "B", "owner_email": "nobody"})
    assert wrong.json()["error"]["param"] == "owner_email"


def test_who_asks_for_an_account_is_answered(
    acme: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    with organization_scope(acme.organization):
        lena, max_, early = (
            SignUpRequest.objects.create(
                organization=acme.organization,
                email=f"{name}@example.com",
                name=name,
                company=f"{name} Ltd",
                status=status,
                digest=name,
                expires_at=timezone.now(),
            )
            for name, status in (
                ("lena", "waiting"),
                ("max", "waiting"),
                ("eve", "unconfirmed"),
            )
        )
    found = acme_api.get("/sign-ups?status=waiting").json()["sign_ups"]
    assert [one["name"] for one in found] == ["max", "lena"]
    assert len(acme_api.get("/sign-ups").json()["sign_ups"]) == 2
    opened = acme_api.post(f"/sign-ups/{lena.pk}/approve").json()["sign_up"]
    client = acme_api.get(f"/organizations/{opened['client_id']}").json()
    assert client["organization"]["name"] == "lena Ltd"
    again = acme_api.post(f"/sign-ups/{lena.pk}/decline")
    assert again.json()["error"]["code"] == "conflict"
    declined = acme_api.post(f"/sign-ups/{max_.pk}/decline").json()["sign_up"]
    assert (declined["status"], declined["client_id"]) == ("declined", None)
    assert acme_api.post(f"/sign-ups/{early.pk}/approve").status_code == 404
    assert bakery_api.get("/sign-ups").status_code == 403
