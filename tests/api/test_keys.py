"""Keys: hashed, limited, replaced without a gap, ended at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.utils import timezone

from portal.models import APIKey, Organization, Role
from portal.scope import all_organizations, organization_scope
from portal.services import api_keys
from portal.services.api_keys import KeyEnded, issue_key, revoke_key, rotate_key
from tests.api.conftest import ApiClient
from tests.world import House


def keyed(house: House, **values: Any) -> tuple[APIKey, ApiClient]:
    with organization_scope(house.organization):
        row, text = issue_key(
            organization=house.organization, name="Test", actor=None, **values
        )
    return row, ApiClient(house, text)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now(), tick=True) as traveller:
        yield traveller


def test_only_a_digest_is_kept(bakery: House) -> None:
    row, client = keyed(bakery)
    assert client.key.startswith("fl_live_")
    with organization_scope(bakery.organization):
        kept = APIKey.objects.filter(pk=row.pk).values().get()
    assert client.key not in str(kept)
    assert client.key.startswith(kept["prefix"])
    assert len(kept["prefix"]) == len("fl_live_") + 4


@pytest.mark.parametrize("owner", ["acme", "bakery"])
def test_a_key_is_found_with_its_house_as_the_database_holds_it(
    owner: str, request: pytest.FixtureRequest
) -> None:
    house: House = request.getfixturevalue(owner)
    row, client = keyed(
        house, networks=["127.0.0.0/8"], origins=["https://example.com"]
    )
    with all_organizations("what is found is compared with what there is"):
        Organization.objects.filter(pk=house.organization.pk).update(
            features_off=["mail"]
        )
        wanted = APIKey.objects.select_related("organization__parent").get(pk=row.pk)
    found = api_keys.find_key(client.key, address="127.0.0.1")
    assert found is not None

    def values(one: Model | None) -> dict[str, Any] | None:
        fields = one._meta.concrete_fields if one is not None else []
        return {f.attname: getattr(one, f.attname) for f in fields} or None

    assert values(found) == values(wanted)
    assert values(found.organization) == values(wanted.organization)
    assert values(found.organization.parent) == values(wanted.organization.parent)


def test_a_portal_chooses_what_its_keys_start_with(acme: House, bakery: House) -> None:
    with organization_scope(acme.organization):
        api_keys.set_prefix(portal=acme.portal, prefix="acme", actor=None)
    for mode in ("live", "test"):
        _row, client = keyed(bakery, mode=mode)
        assert client.key.startswith(f"acme_{mode}_")
        assert client.get("/calls").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        (["write"], 200, 201),
        (["read"], 200, 403),
        (["assistants:write"], 200, 201),
        (["assistants:read"], 200, 403),
        (["calls:write"], 403, 403),
    ],
)
def test_a_key_does_what_its_scopes_say(
    bakery: House, scopes: list[str], reads: int, writes: int
) -> None:
    _row, client = keyed(bakery, scopes=scopes)
    assert client.get("/assistants").status_code == reads
    answer = client.post("/assistants", {"name": "Night desk"})
    assert answer.status_code == writes
    if writes == 403:
        assert answer.json()["error"]["code"] == "forbidden"
        count = len(ApiClient(bakery).get("/assistants").json()["assistants"])
        assert count == 1


def test_a_key_may_no_more_than_whoever_made_it(bakery: House) -> None:
    _row, client = keyed(bakery, role=Role.VIEWER)
    assert client.get("/assistants").status_code == 200
    assert client.post("/assistants", {"name": "Night desk"}).status_code == 403


def test_a_key_with_networks_works_from_there_only(bakery: House) -> None:
    _row, client = keyed(bakery, networks=["203.0.113.0/24", "2001:db8::/32"])
    for address, status in (
        ("203.0.113.9", 200),
        ("2001:db8::1", 200),
        ("198.51.100.1", 403),
        ("", 403),
    ):
        answer = client.client.get("/api/v1/calls", REMOTE_ADDR=address)
        assert answer.status_code == status
    assert answer.json()["error"]["code"] == "address_not_allowed"


def test_a_key_ends_on_its_day(bakery: House, clock: Any) -> None:
    _row, client = keyed(bakery, expires_at=timezone.now() + timedelta(days=30))
    clock.shift(timedelta(days=29))
    assert client.get("/calls").status_code == 200
    clock.shift(timedelta(days=2))
    answer = client.get("/calls")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "api_key_expired"


def test_the_last_use_is_noted(bakery: House) -> None:
    row, client = keyed(bakery)
    client.get("/calls")
    with organization_scope(bakery.organization):
        row.refresh_from_db()
    assert row.last_used_at is not None
    assert row.last_used_from == "127.0.0.1"


def test_a_replaced_key_works_on_for_a_while(bakery: House, clock: Any) -> None:
    row, client = keyed(bakery, scopes=["read"], networks=["127.0.0.0/8"])
    with organization_scope(bakery.organization):
        new_row, text = rotate_key(key=row, actor=None)
        with pytest.raises(KeyEnded):
            rotate_key(key=row, actor=None)  # once
    new = ApiClient(bakery, text)
    assert (new_row.scopes, new_row.networks) == (["read"], ["127.0.0.0/8"])
    assert client.get("/calls").status_code == new.get("/calls").status_code == 200
    clock.shift(timedelta(hours=25))
    assert client.get("/calls").status_code == 401
    assert new.get("/calls").status_code == 200


def test_a_revoked_key_ends_at_once(bakery: House) -> None:
    row, client = keyed(bakery)
    assert client.get("/calls").status_code == 200
    with organization_scope(bakery.organization):
        revoke_key(key=row, actor=None)
    answer = client.get("/calls")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "api_key_revoked"


@pytest.mark.parametrize(
    ("role", "scopes", "path", "said"),
    [
        (Role.ADMIN, ["write"], "/mail-sender", "takes those of owner"),
        (Role.VIEWER, ["write"], "/webhook-endpoints", "takes those of admin"),
        (Role.OWNER, ["calls:read"], "/mail-sender", "`mail:write`"),
        (Role.OWNER, ["calls:write"], "/assistants", "`assistants:read`"),
    ],
)
def test_a_refusal_says_which_key_may(
    acme: House, role: Role, scopes: list[str], path: str, said: str
) -> None:
    with organization_scope(acme.organization):
        _row, text = issue_key(
            organization=acme.organization,
            name="Team key",
            actor=None,
            role=role,
            scopes=scopes,
        )
    answer = ApiClient(acme, text).get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert said in answer.json()["error"]["message"]


def test_a_client_is_told_what_agencies_may(bakery_api: ApiClient) -> None:
    for path in ("/mail-sender", "/organizations/figures", "/selling/grants"):
        message = bakery_api.get(path).json()["error"]["message"]
        assert message == "Only an agency may do that; this key belongs to a client."
