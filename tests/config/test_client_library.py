"""What an agency built comes to its clients: at the start, and later by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from assistants.analysis_templates import save_analysis_template
from assistants.editing import change_spec
from assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate
from assistants.services import delete_assistant
from assistants.spec_secrets import opened
from assistants.tool_list import with_tool
from assistants.tool_shapes import FunctionDefinition, FunctionTool, McpTool
from assistants.tool_templates import save_tool_template
from campaigns.models import Campaign, CampaignTemplate, Lead
from config.clients.library import Choice, copy_library
from config.clients.opening import open_complete_client
from portal.models import AuditRecord, Organization
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.campaigns.builders import make_campaign
from tests.world import House, browser

TOOL = {
    "name": "find_order",
    "description": "Finds an order",
    "parameters": {"type": "object", "properties": {}},
    "url": "",
    "async": False,
    "message": "",
}


@pytest.fixture
def choice(acme: House) -> Choice:
    """Everything the agency has: an assistant with tools, and its library."""
    agency = acme.organization
    with organization_scope(agency):
        server = McpServer.objects.create(
            organization=agency,
            name="CRM",
            url="https://crm.example/mcp",
            headers='{"Authorization": "Bearer hunter2"}',
            header_names=["Authorization"],
        )
        hook = FunctionTool(
            function=FunctionDefinition(name="look_up"),
            server={"url": "https://crm.example/hook", "secret": "whsec-of-acme"},
        )
        change_spec(
            assistant=acme.assistant,
            change=lambda spec: with_tool(
                with_tool(spec, hook), McpTool(mcp_server_id=server.pk)
            ),
            about="llm_config.tools",
            actor=None,
        )
        tool = save_tool_template(
            organization=agency,
            template=None,
            name="Orders",
            description="",
            kind="function",
            config=TOOL,
            secret="tool-secret",
            actor=None,
        )
        analysis = save_analysis_template(
            organization=agency,
            template=None,
            values={"name": "Mood", "schema": {"properties": {"mood": {}}}},
            actor=None,
        )
    campaign = make_campaign(
        acme, leads=2, launched=False, max_attempts=5, more={"opt_out_digit": "7"}
    )
    return Choice((acme.assistant.pk,), (tool.pk,), (analysis.pk,), (campaign.pk,))


@pytest.fixture(autouse=True)
def _a_first_person(acme: House) -> None:
    assert "alice" in acme.people


def check_copies(client: Organization) -> None:
    """Look at what came to a client: complete, sealed for it, and without people."""
    with organization_scope(client):
        assistant = Assistant.objects.get(name="Front desk")
        version = assistant.current_version
        assert version is not None
        assert "whsec-of-acme" not in str(version.spec_json)
        _end, hook, mcp = opened(version.spec, client.pk).llm_config.tools
        assert hook.server.secret == "whsec-of-acme"
        server = McpServer.objects.get()
        assert mcp.mcp_server_id == server.pk
        assert "hunter2" in server.headers
        tool = ToolTemplate.objects.get()
        assert (tool.name, tool.server_secret) == ("Orders", "tool-secret")
        assert AnalysisTemplate.objects.get().schema == {"properties": {"mood": {}}}
        template = CampaignTemplate.objects.get()
        assert template.assistant == assistant
        assert template.settings["max_attempts"] == 5
        assert not Lead.objects.exists()
        assert not Campaign.objects.exists()


def set_up(acme: House, choice: Choice) -> Any:
    alice = browser(acme, acme.people["alice"])
    form: dict[str, Any] = {name: choice.texts(name) for name in vars(choice)}
    form |= {"sign_up": "open", "is_enabled": "on"}
    return alice.post(reverse("client_set_up"), form)


def test_a_new_client_finds_what_its_agency_chose(acme: House, choice: Choice):
    assert set_up(acme, choice).status_code == 302
    page = browser(acme, acme.people["alice"]).get(reverse("client_set_up"))
    assert page.content.count(b"checked") == 5  # with the switch of the portal
    client, _token = open_complete_client(
        agency=acme.organization,
        name="Florist",
        owner_email="f@florist.example",
        actor=None,
    )
    check_copies(client)


def test_a_client_opened_by_the_api_finds_the_same(acme: House, choice: Choice):
    set_up(acme, choice)
    answer = ApiClient(acme).post("/organizations", {"name": "Florist"})
    assert answer.status_code == 201
    with all_organizations("the test looks"):
        client = Organization.objects.get(pk=answer.json()["id"])
    check_copies(client)


def test_copies_come_to_a_client_later(acme: House, globex: House, choice: Choice):
    client, _token = open_complete_client(
        agency=acme.organization, name="Florist", owner_email="f@f.example", actor=None
    )
    page = reverse("client_copy", args=[client.pk])
    form = {name: choice.texts(name) for name in vars(choice)}
    charlie = browser(globex, globex.people["charlie"])
    assert charlie.post(page, form).status_code == 404
    alice = browser(acme, acme.people["alice"])
    assert alice.post(page, form).status_code == 302
    check_copies(client)
    with organization_scope(client):
        record = AuditRecord.objects.get(action="campaign_template.created")
        assert record.actor == acme.people["alice"]


def test_another_agencys_things_cannot_be_named(
    acme: House, globex: House, bakery: House
):
    page = reverse("client_copy", args=[bakery.organization.pk])
    alice = browser(acme, acme.people["alice"])
    answer = alice.post(page, {"assistants": [str(globex.assistant.pk)]})
    assert answer.status_code == 422
    copied = copy_library(
        agency=acme.organization,
        client=bakery.organization,
        choice=Choice(assistants=(globex.assistant.pk,)),
        actor=None,
    )
    assert copied.total == 0


def test_what_has_no_room_leaves_nothing(acme: House, bakery: House, choice: Choice):
    with all_organizations("the test sets a limit"):
        Organization.objects.filter(pk=bakery.organization.pk).update(max_assistants=1)
    page = reverse("client_copy", args=[bakery.organization.pk])
    form = {name: choice.texts(name) for name in vars(choice)}
    answer = browser(acme, acme.people["alice"]).post(page, form)
    assert answer.status_code == 422
    assert "no room for so many" in answer.content.decode()
    with organization_scope(bakery.organization):
        assert not ToolTemplate.objects.exists()
        assert not McpServer.objects.exists()


def test_what_is_gone_by_now_is_left_out(acme: House, bakery: House, choice: Choice):
    with organization_scope(acme.organization):
        delete_assistant(assistant=acme.assistant, actor=None)
    copied = copy_library(
        agency=acme.organization,
        client=bakery.organization,
        choice=choice,
        actor=None,
    )
    assert vars(copied) == {"assistants": 0, "tools": 1, "analyses": 1, "campaigns": 0}


def test_a_campaign_starts_from_a_template(acme: House, bakery: House, choice: Choice):
    copy_library(
        agency=acme.organization, client=bakery.organization, choice=choice, actor=None
    )
    with organization_scope(bakery.organization):
        template = CampaignTemplate.objects.get()
    dora = browser(bakery, bakery.people["dora"])
    page = f"{reverse('campaign_new')}?template={template.pk}"
    html = dora.get(page).content.decode()
    assert 'name="max_attempts" value="5"' in html
    form = {
        "name": "May",
        "assistant": str(template.assistant_id),
        "number": str(bakery.number.pk),
        "max_concurrent_calls": "2",
        "max_attempts": "5",
        "retry_delay_minutes": "60",
        "leads": "+31612345678",
    }
    assert dora.post(page, form).status_code == 302
    with organization_scope(bakery.organization):
        made = Campaign.objects.get()
        assert (made.name, made.opt_out_digit) == ("May", "7")
    gone = reverse("campaign_template_delete", args=[template.pk])
    assert dora.post(gone).status_code == 302
    assert dora.get(page).status_code == 200
