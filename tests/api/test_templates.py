"""Templates over REST, in both generations of field names."""

from __future__ import annotations

from typing import Any

import pytest

from assistants.models import AnalysisTemplate, ToolTemplate
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House

PARAMETERS = {"type": "object", "properties": {"day": {"type": "string"}}}
OLDER = {
    "name": "Check slot",
    "description": "Is a time free?",
    "function_definition": {"name": "check_slot", "parameters": PARAMETERS},
    "server_url": "https://example.com/slots",
    "server_secret": "s3cret",
    "async": True,
}
NEWER = {
    "name": "Check slot",
    "description": "Is a time free?",
    "tool_type": "function",
    "tool_config": {
        "name": "check_slot",
        "parameters": PARAMETERS,
        "url": "https://example.com/slots",
        "async": True,
    },
}


@pytest.mark.parametrize("body", [OLDER, NEWER])
def test_either_generation_is_taken_and_both_are_given(
    bakery_api: ApiClient, body: dict[str, Any]
):
    answer = bakery_api.post("/tool-templates", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["tool_template"]
    assert made["tool_type"] == "function"
    assert (
        made["tool_config"]["url"] == made["server_url"] == "https://example.com/slots"
    )
    assert made["function_definition"] == {
        "name": "check_slot",
        "description": "Is a time free?",
        "parameters": PARAMETERS,
    }
    assert made["async"] is made["tool_config"]["async"] is True
    assert made["has_server_secret"] is ("server_secret" in body)
    assert "s3cret" not in answer.content.decode()
    listed = bakery_api.get("/tool-templates?q=slot").json()
    assert listed["tool_templates"] == [made]
    assert listed["pagination"] == {"total": 1, "limit": 50, "offset": 0}
    assert bakery_api.get("/tool-templates?q=nothing").json()["tool_templates"] == []


def test_functions_name_falls_back_to_the_templates(bakery_api: ApiClient):
    made = bakery_api.post("/tool-templates", {"name": "Check slot"}).json()
    assert made["tool_template"]["function_definition"]["name"] == "check_slot"


def test_older_names_of_the_other_kinds_are_understood(bakery_api: ApiClient):
    ending = {"name": "Hang up", "tool_type": "endCall", "tool_config": {}}
    assert (
        bakery_api.post("/tool-templates", ending).json()["tool_template"]["tool_type"]
        == "end_call"
    )
    handing = {
        "name": "Desk",
        "tool_type": "transferCall",
        "tool_config": {"destinations": [{"type": "number", "number": "+31201234567"}]},
    }
    made = bakery_api.post("/tool-templates", handing).json()["tool_template"]
    assert made["tool_type"] == "transfer_call"
    assert made["tool_config"]["destinations"][0]["number"] == "+31201234567"


def test_change_touches_what_it_names_and_keeps_the_secret(
    bakery_api: ApiClient, bakery: House
):
    made = bakery_api.post("/tool-templates", OLDER).json()["tool_template"]
    answer = bakery_api.patch(
        f"/tool-templates/{made['id']}", {"server_url": "https://example.com/new"}
    )
    changed = answer.json()["tool_template"]
    assert changed["tool_config"] == {
        **made["tool_config"],
        "url": "https://example.com/new",
    }
    with organization_scope(bakery.organization):
        assert ToolTemplate.objects.get().server_secret == "s3cret"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": None}, "name"),
        ({"tool_type": "sms"}, "tool_type"),
        ({"tool_config": {"name": "2fast"}}, "tool_config.name"),
        ({"tool_config": {"name": "a", "url": "https://10.0.0.1"}}, "tool_config.url"),
        (
            {"tool_config": {"name": "a", "parameters": {"type": "x"}}},
            "tool_config.parameters",
        ),
        (
            {"function_definition": {"name": "no spaces"}, "tool_config": None},
            "function_definition.name",
        ),
        ({"tool_type": "transfer_call", "tool_config": {}}, "tool_config.destinations"),
    ],
)
def test_bad_tool_is_refused_with_its_field(
    bakery_api: ApiClient, bakery: House, change: dict[str, Any], param: str
):
    answer = bakery_api.post("/tool-templates", {**NEWER, **change})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert ToolTemplate.objects.count() == 0


SCHEMA = {"type": "object", "properties": {"mood": {"type": "string"}}}


def test_analysis_template_keeps_prompts_and_schema(bakery_api: ApiClient):
    body = {
        "name": "Mood",
        "system_prompt": "You judge moods.",
        "user_prompt": "{transcript}",
        "schema": SCHEMA,
    }
    answer = bakery_api.post("/analysis-templates", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["analysis_template"]
    assert made["schema"] == SCHEMA
    assert made["messages"] == [
        {"role": "system", "content": "You judge moods."},
        {"role": "user", "content": "{transcript}"},
    ]
    listed = bakery_api.get("/analysis-templates?limit=1").json()
    assert listed["analysis_templates"] == [made]
    assert listed["pagination"]["total"] == 1


def test_messages_are_the_prompts_by_another_name(bakery_api: ApiClient):
    body = {
        "name": "Mood",
        "schema": SCHEMA,
        "messages": [{"role": "user", "content": "How was it? {{transcript}}"}],
        "min_messages_threshold": 4,
    }
    made = bakery_api.post("/analysis-templates", body).json()["analysis_template"]
    assert (made["system_prompt"], made["user_prompt"]) == (
        "",
        "How was it? {{transcript}}",
    )
    assert made["min_messages_threshold"] == 4


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"schema": None}, "schema"),
        ({"schema": {"type": "object", "properties": 3}}, "schema"),
        ({"schema": {"type": "object", "properties": {}}}, "schema"),
        ({"schema": []}, "schema"),
        ({"name": None}, "name"),
        ({"min_messages_threshold": 101}, "min_messages_threshold"),
    ],
)
def test_bad_analysis_is_refused_with_its_field(
    bakery_api: ApiClient, bakery: House, change: dict[str, Any], param: str
):
    body = {"name": "Mood", "schema": SCHEMA, **change}
    answer = bakery_api.post("/analysis-templates", body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    with organization_scope(bakery.organization):
        assert AnalysisTemplate.objects.count() == 0


@pytest.mark.parametrize("kind", ["tool-templates", "analysis-templates"])
def test_template_of_another_organization_is_not_there(
    bakery_api: ApiClient, garage_api: ApiClient, kind: str
):
    body = {"name": "Mine", "schema": SCHEMA} if kind[0] == "a" else NEWER
    answer = bakery_api.post(f"/{kind}", body).json()
    [made] = answer.values()
    assert garage_api.get(f"/{kind}/{made['id']}").status_code == 404
    assert garage_api.delete(f"/{kind}/{made['id']}").status_code == 404
    assert bakery_api.delete(f"/{kind}/{made['id']}").json() == {"success": True}
    assert bakery_api.get(f"/{kind}/{made['id']}").status_code == 404


def test_secret_of_a_function_is_masked_and_comes_back_unharmed(
    bakery_api: ApiClient, bakery: House
):
    tool = {"name": "find", "url": "https://example.com", "secret": "s3cret"}
    desk = f"/assistants/{bakery.assistant.pk}"
    made = bakery_api.patch(desk, {"llm_config": {"tools": [tool]}}).json()["assistant"]
    assert made["llm_config"]["tools"][0]["server"]["secret"] == "••••••••"
    version = made["version"]
    again = bakery_api.patch(desk, {"llm_config": made["llm_config"]})
    assert again.json()["assistant"]["version"] == version
    with organization_scope(bakery.organization):
        bakery.assistant.refresh_from_db()
        stored = str(bakery.assistant.current_version.spec_json)
    assert "s3cret" not in stored
    assert "sealed:" in stored


def test_every_kind_of_tool_goes_in_and_out_of_an_assistant(
    bakery_api: ApiClient, bakery: House
):
    server = bakery_api.post(
        "/mcp-servers", {"name": "CRM", "url": "https://a.example"}
    )
    tools = [
        {"name": "find", "url": "https://example.com", "message": "One moment"},
        {"type": "endCall"},
        {"type": "transferCall", "destinations": [{"number": "+31201234567"}]},
        {
            "type": "mcp",
            "mcp_server_id": server.json()["mcp_server"]["id"],
            "allowed_tools": ["find_customer"],
            "required": False,
        },
    ]
    desk = f"/assistants/{bakery.assistant.pk}"
    answer = bakery_api.patch(desk, {"llm_config": {"tools": tools}})
    assert answer.status_code == 200, answer.content
    made = answer.json()["assistant"]["llm_config"]["tools"]
    assert [tool["type"] for tool in made] == [
        "function",
        "end_call",
        "transfer_call",
        "mcp",
    ]
    again = bakery_api.patch(desk, {"llm_config": {"tools": made}}).json()["assistant"]
    assert again["llm_config"]["tools"] == made
    assert again["version"] == answer.json()["assistant"]["version"]


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"name": "no spaces"}, "llm_config.tools[1].name"),
        ({"name": "a", "url": "https://127.0.0.1"}, "llm_config.tools[1].server.url"),
        (
            {"type": "function", "function": {"name": "2"}},
            "llm_config.tools[1].function.name",
        ),
        ({"type": "end_call"}, "llm_config.tools[1].name"),
        (
            {"type": "transfer_call", "destinations": [{"number": "020"}]},
            "llm_config.tools[1].destinations[0]",
        ),
        ({"type": "mcp"}, "llm_config.tools[1].mcp_server_id"),
    ],
)
def test_bad_tool_of_an_assistant_is_refused_with_its_place(
    bakery_api: ApiClient, bakery: House, tool: dict[str, Any], param: str
):
    desk = f"/assistants/{bakery.assistant.pk}"
    before = bakery_api.get(desk).json()
    tools = [{"type": "end_call"}, tool]
    answer = bakery_api.patch(desk, {"llm_config": {"tools": tools}})
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    assert bakery_api.get(desk).json() == before
