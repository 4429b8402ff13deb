"""Every operation of the API refuses the same faults in the same words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from config.openapi import _document
from portal.api.errors import CODES
from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.world import House

DOCUMENT = _document()["paths"]
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT.items()
    for method, operation in methods.items()
    if operation.get("security") != []
]
# A form with a file has refusals of its own; see `test_lead_imports`.
WITH_BODY = [
    one
    for one in OPERATIONS
    if "application/json" in one[2].get("requestBody", {}).get("content", {})
]
LIMIT = 4_000


def named(operations: list[Any]) -> Any:
    return pytest.mark.parametrize(
        ("method", "path"),
        [(method, path) for method, path, _operation in operations],
        ids=[f"{method} {path[8:]}" for method, path, _operation in operations],
    )


@pytest.fixture
def owner(acme: House) -> ApiClient:
    with organization_scope(acme.organization):
        _row, text = issue_key(
            organization=acme.organization, name="Owner", actor=None, role=Role.OWNER
        )
    return ApiClient(acme, text)


def address(house: House, path: str) -> str:
    values = {
        "assistant_id": house.assistant.pk,
        "number": 1,
        "signed": "x",
        "kind": "icon",
        "app": "google",
    }
    return path.format_map(_Ids(values))


def needed(method: str, path: str) -> dict[str, Any]:
    """The query an operation does not go without, as its document shows it."""
    described = DOCUMENT[path][method.lower()].get("parameters", [])
    return {
        one["name"]: one["schema"]["examples"][0]
        for one in described
        if one["in"] == "query" and one.get("required")
    }


METHODS = ("PUT", "PATCH", "DELETE", "POST")


class _Ids(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return uuid4()


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "param", "type"}
    assert (error["code"], error["type"]) == (code, CODES[code].type)
    assert error["message"] == answer.json()["message"]
    return error


@named(OPERATIONS)
def test_a_request_that_is_none_of_its(
    acme: House, owner: ApiClient, method: str, path: str
) -> None:
    here = address(acme, path)
    stranger = ApiClient(acme, key="fl_live_nobody")
    refused(stranger.send(method, here), 401, "unauthorized")
    other = next(one for one in METHODS if one.lower() not in DOCUMENT[path])
    wrong = owner.send(other, here, {})
    refused(wrong, 405, "method_not_allowed")
    assert method in wrong["Allow"].split(", ")
    query = urlencode(needed(method, path) | {"no_such_filter": 1}, doseq=True)
    unknown = owner.send(method, f"{here}?{query}", None)
    body = DOCUMENT[path][method.lower()].get("requestBody")
    if body and "multipart/form-data" in body["content"]:
        refused(unknown, 415, "unsupported_media_type")
    elif (
        unknown.status_code != 400
        or "requestBody" not in DOCUMENT[path][method.lower()]
    ):
        error = refused(unknown, 400, "invalid_request")
        assert error["param"] == "no_such_filter"
    refused(owner.send(method, f"{here}/no/such/place"), 404, "not_found")


@named(WITH_BODY)
def test_a_body_that_cannot_be_used(
    acme: House, owner: ApiClient, settings: Any, method: str, path: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT
    here = address(acme, path)

    def raw(data: str, kind: str = "application/json") -> Any:
        return owner.client.generic(method, here, data, content_type=kind)

    refused(raw('{"name": '), 400, "malformed_json")
    refused(
        raw("name=A", "application/x-www-form-urlencoded"),
        415,
        "unsupported_media_type",
    )
    refused(raw('{"name": "' + "A" * LIMIT + '"}'), 413, "body_too_large")
    refused(raw("[]"), 400, "invalid_request")
    assert (
        refused(raw('{"no_such": {"deep": ["\\ud800"]}}'), 400, "invalid_request")[
            "param"
        ]
        == "no_such.deep[0]"
    )
    strange = raw('{"no_such_field": 1}')
    assert strange.status_code == 400, strange.content
    if path.endswith("/import"):
        return  # an export of another system has fields of its own
    said = [*strange.json().get("details", ()), strange.json()["message"]]
    assert (
        any("no_such_field" in text for text in said)
        or strange.json()["error"]["code"] == "missing_field"
    )


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (
            "/campaigns",
            {"name": "A", "leads": [{"phone_number": "+31612345678"}, {"name": 5}]},
            "leads[1].phone_number",
        ),
        ("/api-keys", {"name": "A", "networks": ["10.0.0.0/8", "x"]}, "networks[1]"),
        ("/api-keys", {"name": "A", "scopes": ["write", "all"]}, "scopes[1]"),
        (
            "/assistants",
            {"name": "A", "speech_config": {"silence": {"max_attempts": 0}}},
            "speech_config.silence.max_attempts",
        ),
        (
            "/webhook-endpoints",
            {"url": "https://a.example", "events": [5]},
            "events[0]",
        ),
        (
            "/byok/config",
            {"provider": "azure", "config": {"region": 5}},
            "config.region",
        ),
    ],
)
def test_a_nested_fault_is_named_by_its_path(
    owner: ApiClient, path: str, body: Any, param: str
) -> None:
    answer = owner.post(path, body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
