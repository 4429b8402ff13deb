"""MCP servers over REST: checked as they are kept, tested on demand, headers write-only."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.models import McpServer
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.fakes.mcp_server import mcp_server
from tests.world import House

URL = "https://tools.example.com/mcp"
TOKEN = {"Authorization": "Bearer t0ken"}


def created(api: ApiClient, **fields: Any) -> dict[str, Any]:
    answer = api.post("/mcp-servers", {"name": "CRM", "url": URL, **fields})
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()["mcp_server"]
    return made


def test_server_is_kept_and_its_headers_are_not_given_back(bakery_api: ApiClient):
    made = created(bakery_api, headers=TOKEN)
    assert made["transport"] == "streamable_http"
    assert made["timeout_seconds"] == 20
    assert made["header_names"] == ["Authorization"]
    listed = bakery_api.get("/mcp-servers")
    assert listed.json()["mcp_servers"] == [made]
    assert "t0ken" not in listed.content.decode()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"name": ""}, "name"),
        ({"url": "http://tools.example.com/mcp"}, "url"),
        ({"url": "https://192.168.0.1/mcp"}, "url"),
        ({"url": "https://localhost/mcp"}, "url"),
        ({"url": "https://user:pw@example.com/mcp"}, "url"),
        ({"transport": "stdio"}, "transport"),
        ({"timeout_seconds": 4}, "timeout_seconds"),
        ({"timeout_seconds": 61}, "timeout_seconds"),
        ({"headers": {f"X-{n}": "1" for n in range(11)}}, "headers"),
        ({"headers": {"Host": "evil"}}, "headers.Host"),
        ({"headers": {"X-Two": "a\r\nb: c"}}, "headers.X-Two"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_setting_is_refused_with_its_field(
    bakery_api: ApiClient, bakery: House, fields: dict[str, Any], param: str
):
    answer = bakery_api.post("/mcp-servers", {"name": "CRM", "url": URL, **fields})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert McpServer.objects.count() == 0


def test_second_server_of_a_name_is_a_conflict(bakery_api: ApiClient):
    made = created(bakery_api)
    assert (
        bakery_api.post("/mcp-servers", {"name": "CRM", "url": URL}).status_code == 409
    )
    other = created(bakery_api, name="Calendar")
    renamed = bakery_api.patch(f"/mcp-servers/{other['id']}", {"name": "CRM"})
    assert renamed.status_code == 409
    assert renamed.json()["error"]["param"] == "name"
    assert bakery_api.get(f"/mcp-servers/{made['id']}").json()["mcp_server"] == made


def test_headers_do_not_follow_to_another_host(bakery_api: ApiClient):
    made = created(bakery_api, headers=TOKEN)
    address = f"/mcp-servers/{made['id']}"
    path = {"url": "https://tools.example.com/other"}
    assert bakery_api.patch(address, path).status_code == 200
    moved = bakery_api.patch(address, {"url": "https://evil.example/mcp"})
    assert moved.status_code == 400
    assert moved.json()["error"]["param"] == "headers"
    again = {"url": "https://new.example/mcp", "headers": {"X-Key": "1"}}
    changed = bakery_api.patch(address, again).json()["mcp_server"]
    assert (changed["url"], changed["header_names"]) == (again["url"], ["X-Key"])


def test_server_in_use_is_not_deleted(bakery_api: ApiClient, bakery: House):
    made = created(bakery_api)
    tool = {"type": "mcp", "mcp_server_id": made["id"], "allowed_tools": ["find"]}
    desk = f"/assistants/{bakery.assistant.pk}"
    used = bakery_api.patch(desk, {"llm_config": {"tools": [tool]}})
    assert used.status_code == 200, used.content
    kept = bakery_api.delete(f"/mcp-servers/{made['id']}")
    assert kept.status_code == 409
    assert "Front desk" in kept.json()["error"]["message"]
    bakery_api.patch(desk, {"llm_config": {"tools": []}})
    assert bakery_api.delete(f"/mcp-servers/{made['id']}").json() == {"success": True}


def test_assistant_takes_only_servers_of_its_own_organization(
    bakery_api: ApiClient, garage_api: ApiClient, bakery: House
):
    foreign = created(garage_api)
    tool = {"type": "mcp", "mcp_server_id": foreign["id"]}
    answer = bakery_api.patch(
        f"/assistants/{bakery.assistant.pk}", {"llm_config": {"tools": [tool]}}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "llm_config.tools[0].mcp_server_id"
    assert bakery_api.get(f"/mcp-servers/{foreign['id']}").status_code == 404


@pytest.mark.slow
def test_test_lists_the_tools(bakery_api: ApiClient, settings: Any):
    settings.OUTBOUND_ALLOWED_NETWORKS = ("127.0.0.0/8",)
    with mcp_server(token="t0ken") as url:
        made = created(bakery_api, url=url, headers=TOKEN)
        found = bakery_api.post(f"/mcp-servers/{made['id']}/test").json()
        assert found["ok"] is True
        assert [tool["name"] for tool in found["tools"]] == [
            "weather",
            "broken",
            "slow",
        ]
        assert set(found["tools"][0]) == {"name", "description", "input_schema"}
        bakery_api.patch(f"/mcp-servers/{made['id']}", {"headers": None})
        refused = bakery_api.post(f"/mcp-servers/{made['id']}/test").json()
    assert refused["ok"] is False
    assert refused["error"] == "The server refuses the headers (status 401)."
    assert set(refused) == {"ok", "duration_ms", "error"}
