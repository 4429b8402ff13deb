"""External registers over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.fakes.register_server import RegisterServer
from tests.fakes.threaded import served_in_a_thread

LISTED, FREE = "+31612345678", "+31612345679"


@pytest.fixture
def server(settings: Any) -> Iterator[RegisterServer]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with served_in_a_thread(RegisterServer(listed={LISTED})) as server:
        yield server


def test_a_register_is_entered_asked_changed_and_removed(
    bakery_api: ApiClient, garage_api: ApiClient, server: RegisterServer
) -> None:
    body = {"name": "TPS", "url": f"{server.url}/check", "secret": "s3cret"}
    made = bakery_api.post("/registers", body)
    assert made.status_code == 201
    row = made.json()
    assert (row["level"], row["has_secret"], row["fault"]) == ("client", True, None)
    assert "s3cret" not in made.content.decode()
    assert bakery_api.post("/registers", body).status_code == 409
    path = f"/registers/{row['id']}"
    asked = bakery_api.post(f"{path}/ask", {"phone_numbers": [LISTED, FREE]}).json()
    assert asked == {"listed": [LISTED], "fault": None}
    server.status = 503
    asked = bakery_api.post(f"{path}/ask", {"phone_numbers": [FREE]}).json()
    assert asked["listed"] == []
    assert "503" in asked["fault"]
    changes = {"fresh_for_hours": 48, "countries": ["NL", "BE"]}
    changed = bakery_api.patch(path, changes).json()
    assert (changed["fresh_for_hours"], changed["countries"]) == (48, ["BE", "NL"])
    assert changed["name"] == "TPS"
    assert garage_api.get(path).status_code == 404
    assert garage_api.get("/registers").json() == {"registers": []}
    assert garage_api.delete(path).status_code == 404
    assert len(bakery_api.get("/registers").json()["registers"]) == 1
    assert bakery_api.delete(path).json() == {"success": True}
    assert bakery_api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("url", "ftp://example.com", "url"),
        ("url", "http://127.0.0.1:1/check", "url"),
        ("name", "", "name"),
        ("countries", ["NL", "XX"], "countries[1]"),
        ("fresh_for_hours", 0, "fresh_for_hours"),
        ("fresh_for_hours", 745, "fresh_for_hours"),
    ],
)
def test_what_makes_no_sense_names_its_field(
    bakery_api: ApiClient, field: str, value: Any, param: str
) -> None:
    body = {"name": "TPS", "url": "https://example.com/check", field: value}
    answer = bakery_api.post("/registers", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert bakery_api.get("/registers").json() == {"registers": []}
