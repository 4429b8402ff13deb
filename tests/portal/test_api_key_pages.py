"""The page of keys: what was chosen is what the key may do, and it is shown once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from portal.models import APIKey
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.world import House, browser

LIST = reverse("api_key_list")


def made(house: House, **values: Any) -> tuple[Any, list[APIKey]]:
    page = browser(house, house.people["dora"]).post(LIST, {"name": "CRM", **values})
    with organization_scope(house.organization):
        return page, list(APIKey.objects.all())


def test_a_key_is_shown_once(bakery: House) -> None:
    page, (key,) = made(bakery)
    assert page["Cache-Control"] == "no-store"
    (text,) = set(re.findall(r"fl_live_[\w-]{20,}", page.text))
    assert text.startswith(key.prefix)
    assert (key.scopes, key.role, key.networks) == (["write"], "owner", [])
    again = browser(bakery, bakery.people["dora"]).get(LIST)
    assert text not in again.text
    assert key.prefix in again.text


def test_what_was_chosen_is_kept(bakery: House) -> None:
    _page, (key,) = made(
        bakery,
        mode="test",
        access="some",
        scopes=["calls:read", "assistants:write"],
        ends="90",
        networks="203.0.113.7\n10.0.0.0/8",
    )
    assert key.is_test
    assert sorted(key.scopes) == ["assistants:write", "calls:read"]
    assert key.networks == ["203.0.113.7/32", "10.0.0.0/8"]
    assert (key.expires_at - key.created_at).days in (89, 90)


@pytest.mark.parametrize(
    "values",
    [
        {"access": "some"},
        {"networks": "somewhere"},
        {"networks": "10.0.0.1/8"},
        {"access": "some", "scopes": ["clients:write"]},  # no client has that right
        {"name": ""},
    ],
)
def test_a_wrong_choice_makes_no_key(bakery: House, values: dict[str, Any]) -> None:
    page, keys = made(bakery, **values)
    assert (page.status_code, keys) == (422, [])


def test_replacing_shows_the_new_key_and_dates_the_old(bakery: House) -> None:
    with organization_scope(bakery.organization):
        key, _text = issue_key(organization=bakery.organization, name="CRM", actor=None)
    page = browser(bakery, bakery.people["dora"]).post(
        reverse("api_key_rotate", args=[key.pk]), {"hours": "168"}
    )
    assert page.status_code == 200
    assert re.search(r"fl_live_[\w-]{20,}", page.text)
    with organization_scope(bakery.organization):
        key.refresh_from_db()
    assert key.replaced_by_id is not None
    assert key.expires_at is not None


def test_an_agency_chooses_how_its_keys_start(acme: House) -> None:
    alice = browser(acme, acme.people["alice"])
    address = reverse("api_key_prefix")
    assert alice.post(address, {"starts_with": "Not-Good"}).status_code == 422
    alice.post(address, {"starts_with": "acme"})
    acme.portal.refresh_from_db()
    assert acme.portal.api_key_prefix == "acme"
