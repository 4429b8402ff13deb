"""An assistant sends data only where the policy lets it, whichever way it comes in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from assistants.models import AssistantVersion, McpServer
from assistants.services import create_assistant, save_assistant
from assistants.sovereignty import OutsideRegion, data_flows, violations
from assistants.spec import AssistantSpec
from calls.errors import RegionRefused
from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.policy import Policy, RegionRule
from portal.scope import all_organizations, organization_scope
from portal.services.api_keys import issue_key
from portal.services.privacy import save_privacy
from tests.world import House, desk_spec

EU, OWN, ANYWHERE = (
    Policy(regions=rule)
    for rule in (RegionRule.EU, RegionRule.OWN, RegionRule.ANYWHERE)
)


def spec_with(**changes: Any) -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True)
    for name, value in changes.items():
        block = values.get(name)
        values[name] = block | value if isinstance(block, dict) else value
    return AssistantSpec.model_validate(values)


GPT = {"provider": "openai", "model": "gpt-5.4"}
VERTEX = {"provider": "google", "model": "gemini-2.5-flash", "location": "europe-west4"}
NOVA = {"provider": "deepgram", "model": "nova-3", "language": "en"}
BELLA = {"provider": "elevenlabs", "voice_id": "x", "language": "en"}
FUNCTION = {
    "name": "check_slot",
    "description": "",
    "parameters": {},
    "url": "https://crm.example.com/hook",
}


def choose(house: House, **choices: Any) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


@pytest.mark.parametrize(
    ("changes", "params"),
    [
        ({}, []),
        ({"llm_config": GPT}, ["llm_config"]),
        ({"llm_config": VERTEX}, []),
        ({"stt_config": NOVA}, ["stt_config"]),
        ({"tts_config": BELLA}, ["tts_config"]),
        ({"llm_config": {"fallbacks": [GPT]}}, ["llm_config.fallbacks[0]"]),
        ({"stt_config": {"fallbacks": [NOVA]}}, ["stt_config.fallbacks[0]"]),
        (
            {"llm_config": {"tools": [FUNCTION]}},
            ["llm_config.tools[0].server.url"],
        ),
        ({"webhook_url": "https://crm.example.com/events"}, ["webhook_url"]),
        (
            {"llm_config": GPT, "stt_config": NOVA, "tts_config": BELLA},
            ["llm_config", "stt_config", "tts_config"],
        ),
    ],
)
def test_every_way_out_of_the_eu_is_found(
    changes: dict[str, Any], params: list[str]
) -> None:
    spec = spec_with(**changes)
    assert [fault.param for fault in violations(spec, EU)] == params
    assert violations(spec, ANYWHERE) == []


def test_own_servers_only_is_stricter_than_the_eu() -> None:
    spec = spec_with(llm_config=VERTEX)
    assert violations(spec, EU) == []
    assert [fault.param for fault in violations(spec, OWN)] == ["llm_config"]


def test_a_declared_host_is_inside() -> None:
    spec = spec_with(
        llm_config={"tools": [FUNCTION]}, webhook_url="https://CRM.example.com./events"
    )
    policy = Policy(regions=RegionRule.EU, trusted_hosts=frozenset({"crm.example.com"}))
    assert violations(spec, policy) == []
    assert len(violations(spec, EU)) == 2


def test_a_server_of_tools_is_where_its_address_leads(bakery: House) -> None:
    policy = Policy(
        regions=RegionRule.EU, trusted_hosts=frozenset({"tools.example.com"})
    )
    with organization_scope(bakery.organization):
        inside, outside = (
            McpServer.objects.create(
                organization=bakery.organization, name=host, url=f"https://{host}/mcp"
            )
            for host in ("tools.example.com", "elsewhere.example")
        )
        gone = "01a217d9-0349-721d-a79b-e8b57b2fa9e6"
        tools = [
            {"type": "mcp", "mcp_server_id": str(server)}
            for server in (inside.pk, outside.pk, gone)
        ]
        faults = violations(spec_with(llm_config={"tools": tools}), policy)
    assert [fault.param for fault in faults] == [
        "llm_config.tools[1].mcp_server_id",
        "llm_config.tools[2].mcp_server_id",
    ]


def test_a_client_cannot_declare_itself_out_of_its_agencys_rule() -> None:
    agency = Policy(regions=RegionRule.EU)
    client = Policy(trusted_hosts=frozenset({"crm.example.com"}))
    strict = Policy(regions=RegionRule.EU, trusted_hosts=frozenset({"crm.example.com"}))
    assert agency.stricter(client).trusted_hosts == frozenset()
    assert agency.stricter(strict).trusted_hosts == frozenset()
    assert strict.stricter(strict).trusted_hosts == {"crm.example.com"}
    assert strict.stricter(client).trusted_hosts == {"crm.example.com"}


def test_a_realtime_model_takes_audio_and_text() -> None:
    spec = desk_spec(
        llm_config={"provider": "openai_live", "model": "gpt-live-1"},
        stt_config=None,
        tts_config=None,
    )
    (flow,) = data_flows(spec)
    assert flow.content == "audio_and_text"
    assert violations(spec, EU)


# -- enforced at every door -------------------------------------------------------------


def test_no_service_saves_one(bakery: House) -> None:
    choose(bakery, regions="eu")
    outside = spec_with(llm_config=GPT)
    with organization_scope(bakery.organization):
        before = AssistantVersion.objects.count()
        with pytest.raises(OutsideRegion):
            create_assistant(organization=bakery.organization, spec=outside, actor=None)
        with pytest.raises(OutsideRegion):
            save_assistant(assistant=bakery.assistant, spec=outside, actor=None)
        assert AssistantVersion.objects.count() == before


def test_the_api_names_the_field(bakery: House) -> None:
    choose(bakery, regions="eu")
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="Test", actor=None)
    client = Client(SERVER_NAME=bakery.host, headers={"authorization": f"Bearer {key}"})
    answer = client.post(
        "/api/v1/assistants",
        json.dumps({"name": "Out", "stt_config": {"provider": "deepgram"}}),
        content_type="application/json",
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("region_not_allowed", "stt_config")
    answer = client.patch(
        f"/api/v1/assistants/{bakery.assistant.pk}",
        json.dumps({"webhook_url": "https://elsewhere.example/x"}),
        content_type="application/json",
    )
    assert answer.json()["error"]["param"] == "webhook_url"


def tighten_after_saving(house: House) -> None:
    """An assistant from before the policy."""
    with organization_scope(house.organization):
        save_assistant(
            assistant=house.assistant, spec=spec_with(llm_config=GPT), actor=None
        )
        house.assistant.refresh_from_db()
    choose(house, regions="eu")


def test_a_call_does_not_start_with_one_from_before(
    bakery: House, node: VoiceNode
) -> None:
    tighten_after_saving(bakery)
    with organization_scope(bakery.organization), pytest.raises(RegionRefused):
        start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        )
    with all_organizations("test"):
        assert not Call.objects.exists()
