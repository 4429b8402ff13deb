"""Every shape a tool may be sent in becomes the kept one, or is refused by its field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from assistants.catalogue import validate_spec
from assistants.spec import AssistantSpec
from assistants.tool_shapes import MAX_ALLOWED_TOOLS, FunctionTool, TransferCallTool
from tests.world import desk_spec

SERVER_ID = "0190b5a0-0000-7000-8000-000000000001"


def spec_with(*tools: Any) -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True)
    values["llm_config"]["tools"] = list(tools)
    return AssistantSpec.model_validate(values)


def refusal(tool: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        spec_with(tool)
    [first, *_rest] = caught.value.errors()
    return ".".join(str(part) for part in first["loc"]), first["msg"]


def test_flat_function_becomes_the_kept_shape():
    flat = {
        "name": "check_slot",
        "description": "Is a time free?",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
        "url": "https://example.com/slots",
        "async": True,
        "message": "One moment",
    }
    [tool] = spec_with(flat).llm_config.tools
    assert isinstance(tool, FunctionTool)
    assert tool.model_dump(mode="json", by_alias=True) == {
        "type": "function",
        "function": {
            "name": "check_slot",
            "description": "Is a time free?",
            "parameters": flat["parameters"],
        },
        "server": {"url": "https://example.com/slots", "secret": None},
        "async": True,
        "message": "One moment",
    }


def test_kept_shape_is_read_as_it_was_written():
    [tool] = spec_with({"name": "a", "url": "https://example.com"}).llm_config.tools
    [again] = spec_with(tool.model_dump(mode="json", by_alias=True)).llm_config.tools
    assert again == tool


def test_url_beats_the_url_of_the_server_and_keeps_its_secret():
    [tool] = spec_with(
        {
            "type": "function",
            "function": {"name": "a"},
            "server": {"url": "https://old.example", "secret": "s3cret"},
            "url": "https://new.example",
        }
    ).llm_config.tools
    assert isinstance(tool, FunctionTool)
    assert (tool.server.url, tool.server.secret) == ("https://new.example", "s3cret")


def test_function_needs_no_address_of_its_own():
    [tool] = spec_with({"name": "a"}).llm_config.tools
    assert isinstance(tool, FunctionTool)
    assert tool.server.url is None


def test_older_names_are_understood():
    tools = spec_with(
        {"type": "endCall"},
        {"type": "transferCall", "destinations": [{"number": "+31201234567"}]},
        {"name": "a", "async_response": "One moment"},
    ).llm_config.tools
    assert [tool.type for tool in tools] == ["end_call", "transfer_call", "function"]
    assert isinstance(tools[2], FunctionTool)
    assert tools[2].message == "One moment"


def test_destination_may_be_a_number_or_a_sip_address():
    [tool] = spec_with(
        {
            "type": "transfer_call",
            "destinations": [
                {"type": "number", "number": "+31201234567", "message": "Hold on"},
                {"number": "sip:desk@example.com"},
                {"type": "sip", "uri": "sips:desk@example.com"},
            ],
        }
    ).llm_config.tools
    assert isinstance(tool, TransferCallTool)
    assert [one.type for one in tool.destinations] == ["number", "sip", "sip"]


def test_mcp_server_is_required_unless_said_otherwise():
    [tool] = spec_with({"type": "mcp", "mcp_server_id": SERVER_ID}).llm_config.tools
    assert tool.type == "mcp"
    assert tool.required


@pytest.mark.parametrize(
    ("tool", "field", "reason"),
    [
        ({"name": "2fast"}, "name", "pattern"),
        ({"name": "look up"}, "name", "pattern"),
        ({"name": "a" * 65}, "name", "pattern"),
        ({"description": "nameless"}, "name", "required"),
        ({"name": "a", "url": "ftp://example.com"}, "url", "https://"),
        ({"name": "a", "parameters": {"type": "text"}}, "parameters", '"object"'),
        (
            {"name": "a", "parameters": {"type": "object", "required": "day"}},
            "parameters",
            "no JSON Schema",
        ),
        (
            {
                "name": "a",
                "parameters": {"type": "object", "$ref": "https://example.com/x"},
            },
            "parameters",
            "$ref",
        ),
        (
            {
                "name": "a",
                "parameters": {"type": "object", "description": "x" * 20_001},
            },
            "parameters",
            "characters",
        ),
        ({"name": "a", "colour": "red"}, "colour", "Extra inputs"),
        ({"type": "sms"}, "tools.0", "does not match"),
        ("end_call", "tools.0", "valid dictionary"),
        ({"type": "transfer_call", "destinations": []}, "destinations", "at least 1"),
        (
            {"type": "transfer_call", "destinations": [{"number": "0201234567"}]},
            "destinations.0",
            "in full",
        ),
        (
            {
                "type": "mcp",
                "mcp_server_id": SERVER_ID,
                "allowed_tools": [str(n) for n in range(MAX_ALLOWED_TOOLS + 1)],
            },
            "allowed_tools",
            "at most 25",
        ),
        ({"type": "mcp", "mcp_server_id": "it"}, "mcp_server_id", "UUID"),
    ],
)
def test_bad_tool_is_refused_with_its_field(tool: Any, field: str, reason: str):
    where, why = refusal(tool)
    assert where.endswith(field)
    assert reason in why


def test_second_tool_of_one_name_is_refused_with_its_place():
    spec = spec_with(
        {"name": "look_up"},
        {"type": "end_call"},
        {"name": "look_up"},
        {"name": "end_call"},
    )
    assert [(fault.param, fault.message) for fault in validate_spec(spec)] == [
        (
            "llm_config.tools[2].name",
            "Two tools are called “look_up”. Rename or remove one.",
        ),
        (
            "llm_config.tools[3].name",
            "Two tools are called “end_call”. Rename or remove one.",
        ),
    ]
