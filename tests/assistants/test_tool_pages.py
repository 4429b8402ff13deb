"""The tools of an assistant as pages: what is added, kept, refused beside its field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from assistants.models import Assistant, McpServer, ToolTemplate
from assistants.services import save_draft, working_spec
from assistants.spec_secrets import opened
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}, "required": []}
FUNCTION = {
    "name": "check_slot",
    "description": "Is a time free?",
    "parameters": json.dumps(SCHEMA),
    "url": "https://example.com/slots",
    "secret": "s3cret",
    "message": "One moment",
}


def address(house: House, name: str, *args: Any) -> str:
    return reverse(name, args=[house.assistant.pk, *args])


def tools_of(house: House) -> list[Any]:
    with organization_scope(house.organization):
        assistant = Assistant.objects.get(pk=house.assistant.pk)
        return list(
            opened(working_spec(assistant), house.organization.pk).llm_config.tools
        )


def version_of(house: House) -> int:
    with organization_scope(house.organization):
        current = Assistant.objects.get(pk=house.assistant.pk).current_version
        assert current is not None
        return current.number


def add_function(house: House, **changes: Any) -> Any:
    dora = browser(house, house.people["dora"])
    return dora.post(
        address(house, "assistant_tool_new", "function"), FUNCTION | changes
    )


def server_of(house: House, **values: Any) -> McpServer:
    with organization_scope(house.organization):
        return McpServer.objects.create(
            organization=house.organization,
            name="CRM",
            url="https://crm.example.com/mcp",
            **values,
        )


def test_a_function_is_added_and_shown(bakery: House) -> None:
    assert add_function(bakery).status_code == 302
    [_end, tool] = tools_of(bakery)
    assert (tool.name, tool.server.url) == ("check_slot", "https://example.com/slots")
    assert tool.server.secret == "s3cret"
    assert tool.function.parameters == SCHEMA
    assert version_of(bakery) == 2
    page = browser(bakery, bakery.people["bob"]).get(address(bakery, "assistant_tools"))
    text = page.content.decode()
    assert "check_slot" in text
    assert "s3cret" not in text


def test_its_secret_is_masked_and_survives_another_name(bakery: House) -> None:
    add_function(bakery)
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_tool_edit", "check_slot")
    page = dora.get(at)
    assert "s3cret" not in page.content.decode()
    masked = page.context["form"]["secret"].value()
    assert (
        dora.post(at, FUNCTION | {"name": "slots", "secret": masked}).status_code == 302
    )
    tool = tools_of(bakery)[1]
    assert (tool.name, tool.server.secret) == ("slots", "s3cret")
    at = address(bakery, "assistant_tool_edit", "slots")
    dora.post(at, FUNCTION | {"name": "slots", "secret": ""})
    assert tools_of(bakery)[1].server.secret is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("name", "look up", "Start with a letter"),
        ("name", "2fast", "Start with a letter"),
        ("name", "a" * 65, "at most 64"),
        ("name", "", "required"),
        ("name", "end_call", "already"),
        ("description", "x" * 2_001, "at most 2000"),
        ("url", "ftp://example.com", "http"),
        ("url", "https://127.0.0.1/hook", "public network"),
        ("secret", "x" * 501, "at most 500"),
        ("message", "x" * 301, "at most 300"),
        ("parameters", "{", "not valid JSON"),
        ("parameters", "[]", "JSON object"),
        ("parameters", '{"type": "text"}', "object"),
        ("parameters", '{"type": "object", "required": "day"}', "no JSON Schema"),
        ("parameters", '{"type": "object", "$ref": "https://x.example/"}', "$ref"),
        ("parameters", '{"type": "object", "title": "\\u0000"}', "cannot be kept"),
        ("parameters", '{"type": "object", "maximum": NaN}', "JSON"),
        (
            "parameters",
            json.dumps({"type": "object", "description": "x" * 20_001}),
            "20000 characters",
        ),
        (
            "parameters",
            '{"type": "object", "properties": ' + '{"a":' * 3_000 + "1" + "}" * 3_001,
            "JSON",
        ),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    bakery: House, field: str, value: str, reason: str
) -> None:
    page = add_function(bakery, **{field: value})
    assert page.status_code == 422
    assert reason in " ".join(page.context["form"].errors[field])
    assert f'id="id_{field}_error"' in page.content.decode()
    assert len(tools_of(bakery)) == 1


def test_a_second_tool_of_one_name_is_refused(bakery: House) -> None:
    add_function(bakery)
    page = add_function(bakery)
    assert page.status_code == 422
    assert "already" in page.context["form"].errors["name"][0]
    assert version_of(bakery) == 2


def test_the_privacy_policy_holds_for_addresses(bakery: House) -> None:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, regions="eu", actor=None)
    page = add_function(bakery)
    assert page.status_code == 422
    assert "example.com is not among the hosts" in page.context["form"].errors["url"][0]
    assert len(tools_of(bakery)) == 1


def test_a_tool_is_removed_and_again_changes_nothing(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_tool_remove", "end_call")
    assert dora.post(at).status_code == 302
    assert tools_of(bakery) == []
    dora.post(at)
    assert version_of(bakery) == 2
    dora.post(address(bakery, "assistant_tool_end_call"))
    assert [tool.type for tool in tools_of(bakery)] == ["end_call"]


def test_a_tool_that_is_gone_is_not_found(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_tool_edit", "check_slot")
    assert dora.get(at).status_code == 404
    assert dora.post(at, FUNCTION).status_code == 404


# --- transfer -------------------------------------------------------------------------
def destinations(*rows: dict[str, str]) -> dict[str, str]:
    sent = {"to-TOTAL_FORMS": str(len(rows)), "to-INITIAL_FORMS": "0"}
    for index, row in enumerate(rows):
        filled = {"number": "", "description": "", "message": "", "mode": "blind"} | row
        sent |= {f"to-{index}-{name}": value for name, value in filled.items()}
    return sent


def transfer(house: House, *rows: dict[str, str]) -> Any:
    at = address(house, "assistant_tool_new", "transfer_call")
    return browser(house, house.people["dora"]).post(at, destinations(*rows))


def test_destinations_are_kept_with_their_ways(bakery: House) -> None:
    answer = transfer(
        bakery,
        {"number": "+31201234567", "description": "bookings", "message": "One moment"},
        {},
        {"number": "sip:desk@example.com", "mode": "warm"},
    )
    assert answer.status_code == 302
    tool = tools_of(bakery)[1]
    assert [(one.type, one.number, one.mode) for one in tool.destinations] == [
        ("number", "+31201234567", "blind"),
        ("sip", "sip:desk@example.com", "warm"),
    ]
    transfer(bakery, {"number": "+31201234568"})  # the page of one that is there
    assert [one.number for one in tools_of(bakery)[1].destinations] == ["+31201234568"]


@pytest.mark.parametrize(
    ("rows", "row", "field", "reason"),
    [
        ([{"number": "0201234567"}], 0, "number", "in full"),
        ([{}, {"number": "sip:"}], 1, "number", "SIP address"),
        ([{"description": "sales"}], 0, "number", "Give a number"),
        ([{}], 0, "number", "at least one"),
        ([{"number": "+31201234567"}] * 2, 1, "number", "there already"),
        ([{"number": "+31201234567", "mode": "hot"}], 0, "mode", "valid choice"),
        ([{"number": "+31201234567", "message": "x" * 301}], 0, "message", "300"),
        (
            [{"number": "+31201234567", "description": "x" * 501}],
            0,
            "description",
            "500",
        ),
    ],
)
def test_a_bad_destination_is_refused_beside_its_field(
    bakery: House, rows: list[dict[str, str]], row: int, field: str, reason: str
) -> None:
    page = transfer(bakery, *rows)
    assert page.status_code == 422
    assert reason in page.context["rows"].forms[row].errors[field][0]
    assert f'id="id_to-{row}-{field}_error"' in page.content.decode()
    assert len(tools_of(bakery)) == 1


def test_more_than_twenty_destinations_are_refused(bakery: House) -> None:
    rows = [{"number": f"+312012345{number:02d}"} for number in range(21)]
    page = transfer(bakery, *rows)
    assert page.status_code == 422
    assert "20" in page.content.decode()
    assert len(tools_of(bakery)) == 1


# --- MCP ------------------------------------------------------------------------------
def test_tools_of_a_tested_server_are_chosen_by_name(bakery: House) -> None:
    found = {"ok": True, "tools": [{"name": n, "description": ""} for n in ("a", "b")]}
    server = server_of(bakery, last_test=found, tested_at=timezone.now())
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_tool_mcp", server.pk)
    assert (
        dora.post(at, {"allowed_tools": ["b"], "is_required": "on"}).status_code == 302
    )
    tool = tools_of(bakery)[1]
    assert (tool.allowed_tools, tool.required) == (("b",), True)
    assert dora.post(at, {}).status_code == 302
    tool = tools_of(bakery)[1]
    assert (tool.allowed_tools, tool.required) == ((), False)
    page = dora.post(at, {"allowed_tools": ["c"]})
    assert page.status_code == 422
    assert "allowed_tools" in page.context["form"].errors


def test_at_most_twenty_five_tools_of_a_server_are_chosen(bakery: House) -> None:
    names = [f"tool_{number}" for number in range(26)]
    found = {"ok": True, "tools": [{"name": n, "description": ""} for n in names]}
    server = server_of(bakery, last_test=found)
    at = address(bakery, "assistant_tool_mcp", server.pk)
    page = browser(bakery, bakery.people["dora"]).post(at, {"allowed_tools": names})
    assert page.status_code == 422
    assert "25" in page.context["form"].errors["allowed_tools"][0]


def test_a_failing_test_says_why_and_harms_nothing(bakery: House) -> None:
    server = server_of(bakery)
    with organization_scope(bakery.organization):
        McpServer.objects.filter(pk=server.pk).update(url="http://127.0.0.1:9/mcp")
    dora = browser(bakery, bakery.people["dora"])
    page = dora.post(address(bakery, "assistant_tool_mcp_test", server.pk), follow=True)
    assert page.status_code == 200
    assert "The last test failed" in page.content.decode()
    assert len(tools_of(bakery)) == 1


def test_a_server_of_another_organization_is_not_there(
    bakery: House, garage: House
) -> None:
    server = server_of(garage)
    dora = browser(bakery, bakery.people["dora"])
    assert (
        dora.post(address(bakery, "assistant_tool_mcp", server.pk)).status_code == 404
    )


# --- library, drafts, n8n -------------------------------------------------------------
def test_a_tool_of_the_library_is_copied_in(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_tool_insert_starter", "check_order")
    answer = dora.post(at)
    assert answer["Location"] == address(bakery, "assistant_tool_edit", "check_order")
    assert tools_of(bakery)[1].function.parameters["required"] == ["order_number"]
    page = dora.post(at, follow=True)
    assert "already" in page.content.decode()
    assert len(tools_of(bakery)) == 2


def test_a_change_goes_into_the_open_draft(bakery: House) -> None:
    with organization_scope(bakery.organization):
        save_draft(assistant=bakery.assistant, spec=desk_spec(name="Other"), actor=None)
    add_function(bakery)
    assert version_of(bakery) == 1
    assert [tool.name for tool in tools_of(bakery)] == ["end_call", "check_slot"]
    assert tools_of(bakery)[1].server.secret == "s3cret"


def test_a_workflow_for_n8n_is_an_export_of_it(bakery: House) -> None:
    add_function(bakery, url="https://n8n.example.com/webhook/slots")
    at = address(bakery, "assistant_tool_workflow", "check_slot")
    answer = browser(bakery, bakery.people["bob"]).get(at)
    assert answer["Content-Disposition"] == 'attachment; filename="check_slot.n8n.json"'
    workflow = answer.json()
    names = [node["name"] for node in workflow["nodes"]]
    assert len({node["id"] for node in workflow["nodes"]}) == len(names)
    assert workflow["nodes"][0]["parameters"]["path"] == "slots"
    for before, ways in workflow["connections"].items():
        assert before in names
        assert ways["main"][0][0]["node"] in names
    assert "s3cret" not in answer.content.decode()


# --- the library ----------------------------------------------------------------------
ROWS = {
    "to-TOTAL_FORMS": "2",
    "to-INITIAL_FORMS": "0",
    "to-0-number": "+31201234567",
    "to-0-mode": "warm",
    "to-0-description": "For complaints",
    "to-0-message": "One moment",
    "to-1-number": "",
    "to-1-mode": "blind",
}


def templates_of(house: House) -> list[ToolTemplate]:
    with organization_scope(house.organization):
        return list(ToolTemplate.objects.all())


def test_a_transfer_is_kept_in_the_library_and_inserted(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("tool_template_new_kind", args=["transfer_call"])
    assert dora.get(at).status_code == 200
    titled = {"title": "To the shop", "description": "Complaints"}
    assert dora.post(at, ROWS | titled).status_code == 302
    [kept] = templates_of(bakery)
    assert (kept.name, kept.tool_type) == ("To the shop", "transfer_call")
    [to] = kept.tool_config["destinations"]
    assert (to["number"], to["mode"], to["type"]) == ("+31201234567", "warm", "number")
    edit = reverse("tool_template_edit", args=[kept.pk])
    assert b"+31201234567" in dora.get(edit).content
    sip = {"to-0-number": "sip:desk@example.com", "to-INITIAL_FORMS": "1"}
    assert dora.post(edit, ROWS | titled | sip).status_code == 302
    [kept] = templates_of(bakery)
    assert kept.tool_config["destinations"][0]["type"] == "sip"
    assert b"To the shop" in dora.get("/library/?q=complaint").content
    assert b"To the shop" not in dora.get("/library/?q=orders").content
    dora.post(address(bakery, "assistant_tool_insert", kept.pk))
    tool = tools_of(bakery)[-1]
    assert tool.type == "transfer_call"
    assert tool.destinations[0].number == "sip:desk@example.com"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"title": ""}, "id_title_error"),
        ({"to-0-number": "12"}, "id_to-0-number_error"),
        ({"to-0-number": "", "to-0-description": ""}, "id_to-0-number_error"),
        ({"to-1-number": "+31201234567"}, "id_to-1-number_error"),
        ({"title": "x" * 121}, "id_title_error"),
    ],
)
def test_a_transfer_that_cannot_be_is_told_beside_its_field(
    bakery: House, changes: dict[str, str], where: str
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("tool_template_new_kind", args=["transfer_call"])
    if changes.get("to-0-number") == "":
        changes = changes | {"to-0-message": ""}
    page = dora.post(at, ROWS | {"title": "To the shop"} | changes)
    assert page.status_code == 422
    assert where in page.content.decode()
    assert templates_of(bakery) == []


def test_an_ending_is_kept_in_the_library(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("tool_template_new_kind", args=["end_call"])
    assert dora.post(at, {"title": "Hang up", "description": ""}).status_code == 302
    [kept] = templates_of(bakery)
    assert (kept.tool_type, kept.tool_config) == ("end_call", {})
    edit = reverse("tool_template_edit", args=[kept.pk])
    assert dora.post(edit, {"title": "Ring off"}).status_code == 302
    assert templates_of(bakery)[0].name == "Ring off"
    nobody = reverse("tool_template_new_kind", args=["nobody"])
    assert dora.get(nobody).status_code == 404
