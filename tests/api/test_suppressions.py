"""Numbers that are not called, over REST."""

from __future__ import annotations

from campaigns.models import SuppressionEntry
from campaigns.suppressing import suppress_numbers
from tests.api.conftest import ApiClient
from tests.world import House

NUMBERS = ["+31612345678", "+31612345679"]


def test_numbers_are_added_listed_checked_and_removed(bakery_api: ApiClient) -> None:
    body = {"phone_numbers": [*NUMBERS, NUMBERS[0]], "reason": "asked by mail"}
    assert bakery_api.post("/suppressions", body).json() == {"added": 2, "already": 0}
    assert bakery_api.post("/suppressions", body).json() == {"added": 0, "already": 2}
    page = bakery_api.get("/suppressions?limit=1").json()
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 0}
    (entry,) = page["suppressions"]
    assert (entry["source"], entry["reason"]) == ("api", "asked by mail")
    wanted = {"phone_numbers": [NUMBERS[0], "+31612345670"]}
    first, second = bakery_api.post("/suppressions/check", wanted).json()["results"]
    assert (first["suppressed"], first["level"]) == (True, "client")
    assert (second["suppressed"], second["level"]) == (False, None)
    path = f"/suppressions/{entry['id']}"
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.delete(path).status_code == 404


def test_a_number_that_is_none_is_refused_by_its_place(bakery_api: ApiClient) -> None:
    body = {"phone_numbers": [NUMBERS[0], "12"]}
    for path in ("/suppressions", "/suppressions/check"):
        answer = bakery_api.post(path, body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "phone_numbers[1]"
    assert bakery_api.get("/suppressions").json()["suppressions"] == []
    assert bakery_api.post("/suppressions", {"phone_numbers": []}).status_code == 400


def test_lists_above_hold_but_are_not_shown(
    acme: House, bakery_api: ApiClient, garage_api: ApiClient
) -> None:
    for organization, number in ((acme.organization, NUMBERS[0]), (None, NUMBERS[1])):
        suppress_numbers(
            organization=organization,
            numbers=[number],
            source=SuppressionEntry.Source.REGISTRY,
            actor=None,
            reason="private note",
        )
    assert bakery_api.get("/suppressions").json()["suppressions"] == []

    def levels(api: ApiClient) -> list[str | None]:
        answer = api.post("/suppressions/check", {"phone_numbers": NUMBERS})
        return [row["level"] for row in answer.json()["results"]]

    assert levels(bakery_api) == ["agency", "operator"]
    assert levels(garage_api) == [None, "operator"]
