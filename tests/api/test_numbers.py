"""Numbers over REST and on their page: one owner each, and nobody learns whose."""

from __future__ import annotations

from typing import Any

import pytest

from calls.models import PhoneNumber
from portal.models import AuditRecord
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.world import House, browser

FRESH = "+31201234999"


@pytest.mark.parametrize("field", ["number", "phone_number"])
@pytest.mark.parametrize("owner", ["assistant_id", "agent_id"])
def test_a_number_is_registered_by_either_name(
    bakery: House, bakery_api: ApiClient, field: str, owner: str
) -> None:
    answer = bakery_api.post(
        "/numbers", {field: "+31 20 123 4999", owner: str(bakery.assistant.pk)}
    )
    assert answer.status_code == 201, answer.content
    made = answer.json()["number"]
    assert made["number"] == made["phone_number"] == FRESH
    assert made["assistant_id"] == made["agent_id"] == str(bakery.assistant.pk)
    assert made["agent_name"] == "Front desk"
    assert bakery_api.get(f"/numbers/{made['id']}").json() == {"number": made}
    assert made in bakery_api.get("/numbers").json()["numbers"]


@pytest.mark.parametrize("mine", [True, False])
def test_a_number_that_is_taken_tells_nothing_of_its_owner(
    bakery: House, garage: House, bakery_api: ApiClient, mine: bool
) -> None:
    taken = (bakery if mine else garage).number.number
    older = bakery_api.post("/numbers", {"phone_number": taken})
    assert older.json()["error"]["param"] == "phone_number"
    answer = bakery_api.post("/numbers", {"number": taken})
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "code": "conflict",
        "message": "This number is registered already.",
        "param": "number",
        "type": "conflict_error",
    }


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "number", "missing_field"),
        ({"number": "12"}, "number", "invalid_request"),
        ({"phone_number": "12"}, "phone_number", "invalid_request"),
        ({"number": FRESH, "workflow_id": "x"}, "workflow_id", "invalid_request"),
    ],
)
def test_a_wrong_number_is_named(
    bakery_api: ApiClient, body: dict[str, Any], param: str, code: str
) -> None:
    answer = bakery_api.post("/numbers", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["code"] == code


def test_another_organizations_assistant_answers_nothing_here(
    bakery_api: ApiClient, garage: House
) -> None:
    answer = bakery_api.post(
        "/numbers", {"number": FRESH, "agent_id": str(garage.assistant.pk)}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "agent_id"
    with all_organizations("nothing was registered"):
        assert not PhoneNumber.objects.filter(number=FRESH).exists()


def test_null_takes_the_assistant_away_and_nothing_else(
    bakery: House, bakery_api: ApiClient
) -> None:
    path = f"/numbers/{bakery.number.pk}"
    changed = bakery_api.patch(path, {"assistant_id": None}).json()["number"]
    assert changed["assistant_id"] is None
    assert changed["is_active"] is True
    renamed = bakery_api.patch(path, {"name": "Shop", "is_active": False})
    assert renamed.json()["number"] == {
        **changed,
        "name": "Shop",
        "is_active": False,
        "updated_at": renamed.json()["number"]["updated_at"],
    }
    with organization_scope(bakery.organization):
        actions = AuditRecord.objects.filter(action="number.changed")
        assert actions.count() == 2


def test_a_number_in_a_campaign_stays(bakery: House, bakery_api: ApiClient) -> None:
    make_campaign(bakery, launched=False)
    path = f"/numbers/{bakery.number.pk}"
    answer = bakery_api.delete(path)
    assert answer.status_code == 409
    assert bakery_api.get(path).status_code == 200


def test_a_removed_number_is_free_again(
    bakery: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    path = f"/numbers/{bakery.number.pk}"
    assert garage_api.delete(path).status_code == 404
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.get(path).status_code == 404
    taken = garage_api.post("/numbers", {"number": bakery.number.number})
    assert taken.status_code == 201


def test_the_page_adds_assigns_and_removes(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    added = dora.post("/numbers/add/", {"number": "+31 20 123 4999", "name": "Shop"})
    assert added.status_code == 302
    with organization_scope(bakery.organization):
        number = PhoneNumber.objects.get(number=FRESH)
    assert FRESH in dora.get("/numbers/").content.decode()
    edited = dora.post(
        f"/numbers/{number.pk}/edit/",
        {"name": "Shop", "assistant": str(bakery.assistant.pk), "is_active": "on"},
    )
    assert edited.status_code == 302
    with organization_scope(bakery.organization):
        number.refresh_from_db()
        assert number.assistant_id == bakery.assistant.pk
    dora.post(f"/numbers/{number.pk}/remove/")
    with organization_scope(bakery.organization):
        assert not PhoneNumber.objects.filter(number=FRESH).exists()


def test_the_page_refuses_a_taken_number(bakery: House, garage: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.post("/numbers/add/", {"number": garage.number.number})
    assert answer.status_code == 422
    assert "registered already" in answer.content.decode()
    assert "Garage" not in answer.content.decode()


@pytest.mark.parametrize(
    ("text", "country"),
    [("020 123 4999", "NL"), ("020 123 4999", "nl"), ("+31201234999", "DE")],
)
def test_a_number_is_written_as_at_home_when_its_country_is_given(
    bakery_api: ApiClient, text: str, country: str
) -> None:
    answer = bakery_api.post("/numbers", {"number": text, "country": country})
    assert answer.status_code == 201, answer.content
    made = answer.json()["number"]
    assert (made["number"], made["country"]) == (FRESH, "NL")


def test_what_callers_hear_who_cannot_be_helped_is_the_numbers(
    bakery: House, bakery_api: ApiClient
) -> None:
    path = f"/numbers/{bakery.number.pk}"
    said = bakery_api.patch(path, {"closed_message": "We are closed."}).json()
    assert said["number"]["closed_message"] == "We are closed."
    assert said["number"]["busy_message"] is None
    gone = bakery_api.patch(path, {"closed_message": None}).json()
    assert gone["number"]["closed_message"] is None
