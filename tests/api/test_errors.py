"""Whatever goes wrong, the answer has one shape, the right status and a listed code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from calls import errors as call_errors
from config.management.commands.api_errors import table
from portal.api.errors import CODES, error_body
from portal.models import APIKey
from portal.scope import organization_scope
from portal.services.api_keys import revoke_key
from tests.api.conftest import ApiClient
from tests.world import House

TREE = Path(__file__).resolve().parents[2]


def refused(answer: Any, status: int, code: str, param: str | None = None) -> str:
    """Assert the one shape and return its message."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    message = body["error"]["message"]
    assert body["error"] == {
        "code": code,
        "message": message,
        "param": param,
        "type": CODES[code].type,
    }
    assert body["message"] == message
    assert message
    return str(message)


def raw(api: ApiClient, data: bytes | str, kind: str = "application/json") -> Any:
    return api.client.generic("POST", "/api/v1/assistants", data, content_type=kind)


@pytest.mark.parametrize(
    "data", ["{", "[1,", "nan", '{"name": NaN}', b"\xff", "[" * 100_000]
)
def test_what_is_no_json_is_refused(bakery_api: ApiClient, data: bytes | str) -> None:
    refused(raw(bakery_api, data), 400, "malformed_json")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_content_type_is_refused(bakery_api: ApiClient, kind: str) -> None:
    refused(raw(bakery_api, '{"name": "A"}', kind), 415, "unsupported_media_type")


def test_a_body_that_is_no_object_is_refused(bakery_api: ApiClient) -> None:
    refused(raw(bakery_api, "[1]"), 400, "invalid_request")


def test_an_empty_body_lacks_its_required_field(bakery_api: ApiClient) -> None:
    message = refused(raw(bakery_api, ""), 400, "missing_field", "name")
    assert message == "Missing required field: name"


def test_a_large_body_is_refused(bakery_api: ApiClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = raw(bakery_api, '{"name": "' + "A" * 200 + '"}')
    refused(answer, 413, "body_too_large")


def test_bodies_are_read_the_same_behind_the_real_server(
    bakery_api: ApiClient, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    settings.OPERATOR_HOSTS = ["testserver"]
    send = async_to_sync(AsyncClient().post)
    for name, status in (("Desk", 201), ("A" * 200, 413)):
        answer = send(
            "/api/v1/assistants",
            {"name": name},
            content_type="application/json",
            headers={"authorization": f"Bearer {bakery_api.key}"},
        )
        assert answer.status_code == status, answer.content


def test_nul_is_refused_where_it_stands(bakery_api: ApiClient) -> None:
    answer = bakery_api.post("/assistants", {"llm_config": {"messages": ["a\0b"]}})
    refused(answer, 400, "invalid_request", "llm_config.messages[0]")
    refused(bakery_api.get("/calls?status=%00"), 400, "invalid_request", "status[1]")


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 40, "-" + "9" * 5000])
def test_huge_numbers_are_refused(bakery_api: ApiClient, number: str) -> None:
    answer = raw(bakery_api, '{"name": "A", "max_duration_seconds": ' + number + "}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_request", "malformed_json")


def test_half_of_a_surrogate_pair_is_refused(bakery_api: ApiClient) -> None:
    answer = raw(bakery_api, '{"name": "\\ud800"}')
    refused(answer, 400, "invalid_request", "name")


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/", "/api/v2/calls", "/api/", "/api/v1/calls/x"]
)
def test_an_unknown_route_is_not_found(bakery_api: ApiClient, path: str) -> None:
    refused(bakery_api.get(path), 404, "not_found")


def test_an_unknown_host_answers_json(bakery_api: ApiClient) -> None:
    answer = bakery_api.client.get("/api/v1/calls", SERVER_NAME="nobody.example")
    refused(answer, 404, "not_found")


def test_a_wrong_method_names_the_right_ones(bakery_api: ApiClient) -> None:
    answer = bakery_api.send("PUT", "/assistants", {})
    refused(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, POST"


def test_a_fault_deep_inside_is_named_by_its_path(bakery_api: ApiClient) -> None:
    tool = {
        "type": "function",
        "function": {"name": "look_up"},
        "server": {"url": "https://example.com"},
    }
    wrong = {**tool, "function": {"name": "no spaces"}}
    answer = bakery_api.post(
        "/assistants", {"name": "A", "llm_config": {"tools": [tool, tool, wrong]}}
    )
    refused(answer, 400, "invalid_request", "llm_config.tools[2].function.name")


def test_every_fault_is_listed(bakery_api: ApiClient) -> None:
    answer = bakery_api.get("/calls?limit=0&offset=-1")
    refused(answer, 400, "invalid_request", "limit")
    assert [text.split(":")[0] for text in answer.json()["details"]] == [
        "limit",
        "offset",
    ]


def test_a_filter_that_is_not_known_is_refused(bakery_api: ApiClient) -> None:
    answer = bakery_api.get("/calls?assistant=all")
    refused(answer, 400, "invalid_request", "assistant")


def test_no_key_and_a_wrong_key_are_unauthorized(bakery: House) -> None:
    nobody = Client(SERVER_NAME=bakery.host)
    refused(nobody.get("/api/v1/calls"), 401, "unauthorized")
    wrong = ApiClient(bakery, key="fl_live_wrong")
    refused(wrong.get("/calls"), 401, "unauthorized")


def test_another_agencys_key_is_unauthorized(bakery: House, garage: House) -> None:
    stolen = ApiClient(bakery, key=ApiClient(garage).key)
    refused(stolen.get("/calls"), 401, "unauthorized")


def test_a_revoked_key_says_so(bakery: House, bakery_api: ApiClient) -> None:
    with organization_scope(bakery.organization):
        revoke_key(key=APIKey.objects.get(), actor=None)
    refused(bakery_api.get("/calls"), 401, "api_key_revoked")


def test_another_organizations_object_is_not_found(
    bakery_api: ApiClient, garage: House
) -> None:
    answer = bakery_api.get(f"/assistants/{garage.assistant.pk}")
    refused(answer, 404, "not_found")


def test_something_broken_has_the_same_shape(
    bakery_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr("assistants.api.visible_assistants", broken)
    bakery_api.client.raise_request_exception = False
    answer = bakery_api.get("/assistants")
    refused(answer, 500, "internal_error")
    assert b"secret" not in answer.content


def test_an_unlisted_code_cannot_be_answered() -> None:
    with pytest.raises(KeyError):
        error_body("made_up", "No.")


def test_every_refusal_of_a_call_has_a_listed_code() -> None:
    refusals = [call_errors.CallRefused, *call_errors.CallRefused.__subclasses__()]
    assert {refusal.code for refusal in refusals} <= set(CODES)


def test_the_page_of_codes_is_the_table() -> None:
    page = (TREE / "docs" / "api-errors.md").read_text()
    assert page == table(), "run `manage.py api_errors --write`"
