"""Assistants as files: nothing secret goes out, nothing is lost in silence on the way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assistants.faults import NotSound
from assistants.models import Assistant, McpServer
from assistants.porting.exporting import exported
from assistants.porting.importing import Imported, NotAnAssistant, imported
from assistants.services import save_assistant
from assistants.spec import AssistantSpec, LLMConfig
from assistants.spec_secrets import opened
from assistants.tool_shapes import FunctionTool, McpTool
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from portal.services.privacy import save_privacy
from tests.assistants.test_sovereignty import GPT
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db
EXPORTS = Path(__file__).parent.parent / "data" / "exports"


@pytest.fixture
def in_bakery(bakery: House, settings: Any) -> Any:
    settings.VENDOR_KEYS = {}
    with organization_scope(bakery.organization):
        yield bakery


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXPORTS / f"{name}.json").read_text())
    return found


def notes_of(found: Imported) -> dict[str, str]:
    return {note.path: note.value for note in found.notes}


def with_tools(house: House) -> AssistantSpec:
    server = McpServer.objects.create(
        organization=house.organization,
        name="CRM",
        url="https://crm.example.com/mcp",
        headers='{"Authorization": "Bearer s3cret"}',
    )
    tool = FunctionTool.model_validate(
        {
            "function": {"name": "look_up"},
            "server": {"url": "https://hooks.example.com/a", "secret": "s3cret"},
        }
    )
    tools = (tool, McpTool(mcp_server_id=server.pk, allowed_tools=("find",)))
    return desk_spec(
        llm_config=LLMConfig(provider="demo", model="demo-1", tools=tools),
        notification_emails=("a@b.nl",),
    )


# --- ours -----------------------------------------------------------------------------
def test_an_export_holds_everything_but_secrets(in_bakery: House) -> None:
    spec = with_tools(in_bakery)
    save_assistant(assistant=in_bakery.assistant, spec=spec, actor=None)
    in_bakery.assistant.refresh_from_db()
    file = exported(in_bakery.assistant)
    assert "s3cret" not in json.dumps(file)
    assert "sealed:" not in json.dumps(file)
    assert file["omitted"] == ["llm_config.tools[0].server.secret"]
    found = imported(json.loads(json.dumps(file)))
    assert found.spec == opened(spec, in_bakery.organization.pk).model_copy(
        update={"llm_config": found.spec.llm_config}
    )
    [look_up, crm] = found.spec.llm_config.tools
    assert isinstance(look_up, FunctionTool)
    assert look_up.server.secret is None
    assert isinstance(crm, McpTool)
    assert crm.allowed_tools == ("find",)
    assert notes_of(found) == {"omitted[0]": "llm_config.tools[0].server.secret"}


def test_what_is_off_stays_off(in_bakery: House) -> None:
    file = exported(in_bakery.assistant)
    turns = file["assistant"]["speech_config"]["turn_taking"]
    turns["false_interruption_timeout"] = None
    found = imported(file)
    assert found.spec.speech_config.turn_taking.false_interruption_timeout is None


def test_servers_are_found_by_their_address_or_left_out_and_listed(
    bakery: House, garage: House
) -> None:
    with organization_scope(bakery.organization):
        save_assistant(assistant=bakery.assistant, spec=with_tools(bakery), actor=None)
        bakery.assistant.refresh_from_db()
        file = exported(bakery.assistant)
    with organization_scope(garage.organization):
        found = imported(file)
        assert [tool.type for tool in found.spec.llm_config.tools] == ["function"]
        assert "assistant.llm_config.tools[1].mcp_server_id" in notes_of(found)
        own = McpServer.objects.create(
            organization=garage.organization,
            name="Ours",
            url="https://crm.example.com/mcp",
        )
        [_function, tool] = imported(file).spec.llm_config.tools
        assert isinstance(tool, McpTool)
        assert tool.mcp_server_id == own.pk


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"max_duration_seconds": 5}, "max_duration_seconds"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
        ({"notification_emails": ["no"]}, "notification_emails[0]"),
        ({"llm_config": {"provider": "nobody", "model": "x"}}, "llm_config.provider"),
        (
            {
                "llm_config": {
                    "provider": "demo",
                    "model": "demo-1",
                    "tools": [{"name": "a", "url": "http://127.0.0.1/"}],
                }
            },
            "llm_config.tools[0].server.url",
        ),
        ({"webhook_url": "http://127.0.0.1/"}, "webhook_url"),
    ],
)
def test_every_limit_holds_for_a_file_of_ours(
    in_bakery: House, change: dict[str, Any], param: str
) -> None:
    file = exported(in_bakery.assistant)
    file["assistant"] |= change
    with pytest.raises(NotSound) as refused:
        imported(file)
    assert param in [fault.param for fault in refused.value.faults]


def test_the_policy_holds_for_files(in_bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {"openai": "k"}
    save_privacy(organization=in_bakery.organization, regions="own", actor=None)
    file = exported(in_bakery.assistant)
    file["assistant"]["llm_config"] = GPT
    with pytest.raises(NotSound) as refused:
        imported(file)
    assert refused.value.faults[0].param == "llm_config"


# --- others ---------------------------------------------------------------------------
def test_an_assistant_of_vapi_comes_over(in_bakery: House) -> None:
    found = imported(document("vapi"))
    spec, notes = found.spec, notes_of(found)
    assert (found.system, spec.name) == ("vapi", "Riley")
    assert spec.llm_config.instructions == "You are Riley of Wellness Partners."
    assert spec.llm_config.temperature == 0.3
    assert spec.first_message == "Thank you for calling Wellness Partners."
    [end, transfer, function] = spec.llm_config.tools
    assert (end.type, transfer.type) == ("end_call", "transfer_call")
    assert transfer.type == "transfer_call"
    assert transfer.destinations[0].mode == "warm"
    assert isinstance(function, FunctionTool)
    assert (function.message, function.server.secret) == ("Checking now.", "s3cret")
    assert spec.hears().language == "en"
    assert spec.hears().keyterms == ("Riley",)
    assert spec.max_duration_seconds == 900
    assert spec.autonomous_silence_handling
    assert spec.speech_config.silence.first_check_seconds == 15
    assert spec.speech_config.turn_taking.interruption_min_words == 2
    assert spec.speech_config.end_call_phrases == ("goodbye", "bye bye")
    assert spec.speech_config.background_audio.enabled
    assert spec.webhook_url == "https://hooks.example.com/events"
    assert spec.webhook_events == ("end-of-call-report",)
    plan = spec.analysis_plan
    assert plan is not None
    assert plan.summary_plan.messages[0].content == "Why: {{ended_reason}}"
    assert plan.min_messages_threshold == 3
    assert notes["model.model"] == "gpt-4o"  # no key is at hand
    assert notes["voice.voiceId"] == "21m00Tcm4TlvDq8ikWAM"
    assert notes["model.toolIds[0]"].startswith("d9f0")
    assert notes["model.tools[4].type"] == "dtmf"
    assert notes["backgroundDenoisingEnabled"] == "True"
    assert notes["serverMessages[1]"] == "conversation-update"
    assert notes["analysisPlan.successEvaluationPlan.rubric"] == "NumericScale"
    assert "llm_config.tools[3]" in notes  # it leads into a private network


def test_an_agent_of_retell_comes_over(in_bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {"openai": "k"}
    found = imported(document("retell"))
    spec, notes = found.spec, notes_of(found)
    assert (found.system, spec.name) == ("retell", "Aria")
    assert (spec.llm_config.provider, spec.llm_config.model) == (
        "openai",
        "gpt-4.1-mini",
    )
    assert spec.first_message == "Hallo, hier ist Aria."
    assert spec.max_duration_seconds == 1800
    assert spec.speech_config.background_audio.clip == "crowded_room"
    assert spec.hears().keyterms == ("Sage",)
    # One of two destinations is no number that could be called: the tool stays out.
    assert [tool.name for tool in spec.llm_config.tools] == ["end_call", "book"]
    assert "+4930123456" in notes["llm_config.tools[2]"]
    plan = spec.analysis_plan
    assert plan is not None
    assert plan.structured_data_plan is not None
    facts = plan.structured_data_plan.json_schema["properties"]
    assert facts["Call_outcome"]["enum"] == ["booked", "refused"]
    assert facts["is_new"]["type"] == "boolean"
    assert notes["voice_id"] == "11labs-Anthony"
    assert notes["interruption_sensitivity"] == "0.9"
    assert notes["retellLlmData.general_tools[4].cal_api_key"] == "••••"
    assert notes["retellLlmData.knowledge_base_ids[0]"] == "kb_1"


def test_a_flow_of_retell_says_that_its_steps_are_left(in_bakery: House) -> None:
    flow = {
        "agent_name": "Flow",
        "response_engine": {"type": "conversation-flow"},
        "retellLlmData": None,
        "conversationFlow": {
            "global_prompt": "You are Anna.",
            "nodes": [{"id": "start", "type": "conversation"}],
        },
    }
    found = imported(flow)
    assert found.spec.llm_config.instructions == "You are Anna."
    assert "conversationFlow.nodes" in notes_of(found)


def test_an_agent_of_elevenlabs_comes_over(in_bakery: House, settings: Any) -> None:
    settings.VENDOR_KEYS = {"elevenlabs": "k"}
    found = imported(document("elevenlabs"))
    spec, notes = found.spec, notes_of(found)
    assert (found.system, spec.name) == ("elevenlabs", "Intake")
    assert spec.llm_config.instructions == "You take intakes."
    mouth = spec.speaks()
    assert (mouth.provider, mouth.voice_id) == ("elevenlabs", "cjVigY5qzO86Huf0OWal")
    assert (mouth.stability, mouth.similarity_boost) == (0.45, 0.8)
    names = [tool.name for tool in spec.llm_config.tools]
    assert names == ["create_intake", "end_call", "transfer_call"]
    function = spec.llm_config.tools[0]
    assert isinstance(function, FunctionTool)
    assert function.function.parameters == {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "description": "Who"}},
    }
    plan = spec.analysis_plan
    assert plan is not None
    assert plan.success_evaluation_plan is not None
    assert plan.success_evaluation_plan.criteria == "done: An intake was created."
    assert spec.speech_config.silence.max_attempts == 1
    path = "conversation_config.agent.prompt"
    assert notes[f"{path}.tools[2].name"] == "show_map"
    assert notes[f"{path}.knowledge_base[0].name"] == "FAQ"
    assert notes["platform_settings.widget.variant"] == "compact"
    assert notes["tts_config.model"] == "eleven_flash_v2"  # not one that is offered


@pytest.mark.parametrize("name", ["vapi", "retell", "elevenlabs"])
def test_every_field_is_either_taken_or_listed(in_bakery: House, name: str) -> None:
    """A field that nobody has heard of is listed wherever it stands."""
    for path in (
        ("strange",),
        *((k, "strange") for k in ("model", "conversation_config")),
    ):
        file = document(name)
        place: Any = file
        for step in path[:-1]:
            place = place.get(step)
        if isinstance(place, dict):
            place[path[-1]] = "here"
            assert notes_of(imported(file))[".".join(path)] == "here"


@pytest.mark.parametrize(
    "file", [{}, {"format": "other"}, {"name": "A"}, {"model": "x"}]
)
def test_another_document_is_refused(in_bakery: House, file: dict[str, Any]) -> None:
    with pytest.raises(NotAnAssistant):
        imported(file)


@pytest.mark.parametrize(
    "file",
    [
        {"model": {"tools": "x", "messages": [1, {"role": 7}]}, "voice": 3},
        {"response_engine": 1, "general_tools": {"a": 1}, "general_prompt": ["x"]},
        {"conversation_config": {"agent": [], "tts": {"voice_id": 7}}},
        {"conversation_config": {"agent": {"prompt": {"built_in_tools": [1]}}}},
        {"format": "portavoce.assistant", "assistant": []},
        {"llm_config": {"tools": [1, {"type": "mcp", "mcp_server_id": []}]}, "name": 1},
        {"model": {"tools": [{"type": "function", "function": []}]}, "voice": {}},
    ],
)
def test_nonsense_is_refused_or_becomes_something_sound(
    in_bakery: House, file: dict[str, Any]
) -> None:
    try:
        found = imported(file)
    except (NotAnAssistant, NotSound):
        return
    assert found.spec.name


# --- pages and API --------------------------------------------------------------------
def test_a_file_is_looked_at_before_it_is_created(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    file = SimpleUploadedFile("vapi.json", (EXPORTS / "vapi.json").read_bytes())
    page = dora.post(reverse("assistant_import"), {"file": file})
    assert page.status_code == 200
    assert "model.toolIds[0]" in page.content.decode()
    with organization_scope(bakery.organization):
        assert Assistant.objects.count() == 1
    sent = {name: page.context["form"][name].value() for name in ("name", "text")}
    dora.post(reverse("assistant_import_create"), sent | {"name": "Our Riley"})
    with organization_scope(bakery.organization):
        assert Assistant.objects.filter(name="Our Riley").count() == 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "file"),
        ({"text": "{"}, "text"),
        ({"text": "[]"}, "text"),
        ({"text": '{"a": NaN}'}, "text"),
        ({"text": '{"llm_config": {}, "name": "\\u0000"}'}, "text"),
        ({"text": "{" * 5_000}, "text"),
        ({"text": '{"a": 1}'}, "text"),
        ({"file": SimpleUploadedFile("a.json", b"\xff\xfe\x00")}, "file"),
        ({"file": SimpleUploadedFile("a.json", b"[" * 4_000_001)}, "file"),
    ],
)
def test_a_bad_file_is_refused_beside_its_field(
    bakery: House, sent: dict[str, Any], field: str
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    page = dora.post(reverse("assistant_import"), sent)
    assert page.status_code == 422
    assert field in page.context["form"].errors


def test_a_copy_has_another_name_and_the_same_secrets(bakery: House) -> None:
    with organization_scope(bakery.organization):
        save_assistant(assistant=bakery.assistant, spec=with_tools(bakery), actor=None)
    dora = browser(bakery, bakery.people["dora"])
    for _time in range(2):
        dora.post(reverse("assistant_duplicate", args=[bakery.assistant.pk]))
    with organization_scope(bakery.organization):
        names = list(Assistant.objects.values_list("name", flat=True))
        copy = Assistant.objects.get(name="Front desk (copy)")
        assert copy.current_version is not None
        tool = opened(
            copy.current_version.spec, bakery.organization.pk
        ).llm_config.tools[0]
    assert sorted(names) == ["Front desk", "Front desk (copy 2)", "Front desk (copy)"]
    assert isinstance(tool, FunctionTool)
    assert tool.server.secret == "s3cret"


def test_the_api_exports_imports_and_duplicates(bakery: House) -> None:
    with organization_scope(bakery.organization):
        _key, text = issue_key(
            organization=bakery.organization, name="Test", actor=None
        )
    dora = browser(bakery)
    key = {"Authorization": f"Bearer {text}"}
    base = "/api/v1/assistants"

    def post(path: str, body: Any) -> Any:
        return dora.post(
            f"{base}/{path}", body, content_type="application/json", headers=key
        )

    file = dora.get(f"{base}/{bakery.assistant.pk}/export", headers=key)
    assert file.status_code == 200
    made = post("import", file.json())
    assert made.status_code == 201, made.content
    assert made.json()["assistant"]["name"] == "Front desk"
    assert made.json()["unmapped_fields"] == []
    theirs = post("import", document("retell"))
    assert theirs.status_code == 201, theirs.content
    assert theirs.json()["source"] == "retell"
    assert {"path", "value", "message"} == set(theirs.json()["unmapped_fields"][0])
    wrong = file.json()
    wrong["assistant"]["max_duration_seconds"] = 1
    refused = post("import", wrong)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "max_duration_seconds"
    assert post("import", {"a": 1}).status_code == 400
    copy = post(f"{bakery.assistant.pk}/duplicate", {"name": "Second"})
    assert copy.json()["assistant"]["name"] == "Second"
    assert post(f"{bakery.assistant.pk}/duplicate", {"name": ""}).status_code == 400
