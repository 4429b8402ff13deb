"""Drafts, versions, and what differs between them: nothing is published by accident."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.urls import reverse

from assistants import editing, services
from assistants.differences import differences
from assistants.editing import keep_spec
from assistants.faults import NotSound
from assistants.models import Assistant, AssistantVersion, McpServer
from assistants.sovereignty import OutsideRegion
from assistants.spec import AssistantSpec, LLMConfig, Message, shape_name
from assistants.spec_secrets import MASK, masked, opened
from assistants.tool_shapes import FunctionTool, McpTool
from calls.models import Call
from calls.services.own_settings import kept_settings, spec_of
from calls.services.web import start_web_call
from common.sealing import new_key
from portal.scope import organization_scope
from portal.sealed import reseal_all
from portal.services.privacy import save_privacy
from tests.assistants.test_assistant_form import answers
from tests.assistants.test_sovereignty import GPT, spec_with
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_bakery(bakery: House) -> Any:
    with organization_scope(bakery.organization):
        yield bakery


def fresh(house: House) -> Assistant:
    return Assistant.objects.select_related("current_version").get(
        pk=house.assistant.pk
    )


def draft(house: House, **changes: Any) -> None:
    services.save_draft(
        assistant=fresh(house), spec=desk_spec(**changes), actor=house.people["dora"]
    )


def with_secret(name: str = "Front desk", secret: str = "s3cret") -> AssistantSpec:
    tool = FunctionTool.model_validate(
        {"function": {"name": "look_up"}, "server": {"secret": secret}}
    )
    llm = LLMConfig(provider="demo", model="demo-1", tools=(tool,))
    return desk_spec(name=name, llm_config=llm)


# --- drafts ---------------------------------------------------------------------------
def test_calls_do_not_use_a_draft_until_it_is_published(
    in_bakery: House, node: Any
) -> None:
    draft(in_bakery, first_message="New words")
    before = start_web_call(
        organization=in_bakery.organization, assistant=fresh(in_bakery), actor=None
    ).call
    version = services.publish_draft(assistant=fresh(in_bakery), actor=None)
    after = start_web_call(
        organization=in_bakery.organization, assistant=fresh(in_bakery), actor=None
    ).call
    assert before.version is not None
    assert before.version.spec.first_message != "New words"
    assert after.version == version
    assert version.spec.first_message == "New words"
    assert not fresh(in_bakery).has_draft
    before.refresh_from_db()
    assert before.version.number == 1


def test_publishing_without_a_draft_changes_nothing(in_bakery: House) -> None:
    version = services.publish_draft(assistant=fresh(in_bakery), actor=None)
    assert (version.number, fresh(in_bakery).versions.count()) == (1, 1)


def test_a_draft_that_says_the_same_as_the_version_is_none(in_bakery: House) -> None:
    draft(in_bakery, name="Other")
    assert fresh(in_bakery).draft_by == in_bakery.people["dora"]
    draft(in_bakery)
    assert not fresh(in_bakery).has_draft
    assert fresh(in_bakery).draft_base is None


def test_saving_goes_into_an_open_draft_and_never_past_it(in_bakery: House) -> None:
    draft(in_bakery, name="Begun")
    kept = keep_spec(
        assistant=in_bakery.assistant, spec=desk_spec(name="Later"), actor=None
    )
    assert kept is None
    assert fresh(in_bakery).versions.count() == 1
    assert services.working_spec(fresh(in_bakery)).name == "Later"
    assert fresh(in_bakery).name == "Front desk"


def test_a_draft_that_was_overtaken_says_so(in_bakery: House) -> None:
    draft(in_bakery, name="Mine")
    assert not fresh(in_bakery).is_draft_overtaken
    services.save_assistant(
        assistant=in_bakery.assistant, spec=desk_spec(name="By the API"), actor=None
    )
    assert fresh(in_bakery).is_draft_overtaken
    assert fresh(in_bakery).draft_base == 1
    services.publish_draft(assistant=fresh(in_bakery), actor=None)
    assert fresh(in_bakery).name == "Mine"


def test_discarding_forgets_the_draft_and_a_second_time_changes_nothing(
    in_bakery: House,
) -> None:
    draft(in_bakery, name="Mine")
    for _time in range(2):
        services.discard_draft(assistant=fresh(in_bakery), actor=None)
        assert not fresh(in_bakery).has_draft
    assert fresh(in_bakery).versions.count() == 1


def test_secrets_of_a_draft_are_sealed_and_published(in_bakery: House) -> None:
    services.save_draft(assistant=fresh(in_bakery), spec=with_secret(), actor=None)
    assert "s3cret" not in str(fresh(in_bakery).draft_json)
    version = services.publish_draft(assistant=fresh(in_bakery), actor=None)
    assert "s3cret" not in str(version.spec_json)
    [tool] = opened(version.spec, in_bakery.organization.pk).llm_config.tools
    assert isinstance(tool, FunctionTool)
    assert tool.server.secret == "s3cret"


def test_what_is_shown_is_whole_whatever_shape_it_was_saved_in(
    in_bakery: House,
) -> None:
    version = services.save_assistant(
        assistant=in_bakery.assistant, spec=with_secret(), actor=None
    )
    assert version.shape == shape_name()
    kept = deepcopy(version.spec_json)
    shown = masked(version.spec_json, shape=version.shape)
    assert shown["llm_config"]["tools"][0]["server"]["secret"] == MASK
    assert version.spec_json == kept  # the row's own still holds the sealed secret
    older = {name: value for name, value in kept.items() if name != "gdpr_mode"}
    assert masked(older, shape="of last year") == shown


def test_a_draft_that_no_call_could_use_is_not_published(in_bakery: House) -> None:
    services.save_draft(
        assistant=fresh(in_bakery), spec=spec_with(llm_config=GPT), actor=None
    )
    with pytest.raises(NotSound) as refused:
        editing.publish(assistant=fresh(in_bakery), actor=None)
    assert refused.value.faults[0].param == "llm_config.provider"
    assert fresh(in_bakery).has_draft
    assert fresh(in_bakery).versions.count() == 1


def test_the_policy_refuses_what_a_draft_would_publish(
    in_bakery: House, settings: Any
) -> None:
    settings.VENDOR_KEYS = {"openai": "k"}
    services.save_draft(
        assistant=fresh(in_bakery), spec=spec_with(llm_config=GPT), actor=None
    )
    save_privacy(organization=in_bakery.organization, regions="own", actor=None)
    with pytest.raises(OutsideRegion):
        services.publish_draft(assistant=fresh(in_bakery), actor=None)
    assert fresh(in_bakery).versions.count() == 1


# --- versions -------------------------------------------------------------------------
def test_an_earlier_version_comes_back_under_a_new_number(in_bakery: House) -> None:
    services.save_assistant(
        assistant=in_bakery.assistant, spec=with_secret("Second"), actor=None
    )
    services.save_assistant(
        assistant=in_bakery.assistant, spec=desk_spec(name="Third"), actor=None
    )
    second = AssistantVersion.objects.get(number=2, assistant=in_bakery.assistant)
    made = editing.restore(assistant=fresh(in_bakery), version=second, actor=None)
    assert (made.number, made.restored_from, fresh(in_bakery).name) == (4, 2, "Second")
    [tool] = opened(made.spec, in_bakery.organization.pk).llm_config.tools
    assert isinstance(tool, FunctionTool)
    assert tool.server.secret == "s3cret"


def test_a_version_whose_server_is_gone_does_not_come_back(in_bakery: House) -> None:
    server = McpServer.objects.create(
        organization=in_bakery.organization, name="CRM", url="https://crm.example/mcp"
    )
    llm = LLMConfig(
        provider="demo", model="demo-1", tools=(McpTool(mcp_server_id=server.pk),)
    )
    services.save_assistant(
        assistant=in_bakery.assistant, spec=desk_spec(llm_config=llm), actor=None
    )
    services.save_assistant(assistant=in_bakery.assistant, spec=desk_spec(), actor=None)
    server.delete()
    second = AssistantVersion.objects.get(number=2, assistant=in_bakery.assistant)
    with pytest.raises(NotSound):
        editing.restore(assistant=fresh(in_bakery), version=second, actor=None)
    assert fresh(in_bakery).versions.count() == 3


# --- differences ----------------------------------------------------------------------
def test_what_differs_is_named_field_by_field() -> None:
    instructions = "One\nTwo\nThree"
    llm = LLMConfig(
        provider="demo",
        model="demo-1",
        temperature=0.2,
        messages=(Message(role="system", content=instructions),),
    )
    before = desk_spec(llm_config=llm)
    longer = (Message(role="system", content="One\n2\nThree"),)
    after = desk_spec(
        name="Back desk",
        llm_config=llm.model_copy(
            update={"messages": longer, "temperature": 0.9, "tools": with_tools()}
        ),
    )
    found = {change.param: change for change in differences(before, after)}
    assert list(found) == [
        "name",
        "instructions",
        "llm_config.temperature",
        "tools.look_up",
        "tools.look_up.server.secret",
    ]
    assert (found["name"].before, found["name"].after) == ("Front desk", "Back desk")
    assert [(line.kind, line.text) for line in found["instructions"].lines] == [
        ("same", "One"),
        ("removed", "Two"),
        ("added", "2"),
        ("same", "Three"),
    ]
    assert found["tools.look_up"].kind == "added"
    assert "s3cret" not in str(found)
    assert differences(after, after) == []


def with_tools() -> Any:
    return with_secret().llm_config.tools


# --- pages ----------------------------------------------------------------------------
def address(house: House, name: str, *args: Any) -> str:
    return reverse(name, args=[house.assistant.pk, *args])


def test_the_form_keeps_a_draft_and_publishes_it(bakery: House) -> None:
    dora = browser(bakery, bakery.people["dora"])
    with organization_scope(bakery.organization):
        sent = answers(name="Night desk")
        other = answers(name="Day desk")
    dora.post(address(bakery, "assistant_edit_draft"), sent)
    page = dora.get(address(bakery, "assistant_edit"))
    assert "A draft is open" in page.content.decode()
    assert page.context["form"]["name"].value() == "Night desk"
    dora.post(address(bakery, "assistant_edit"), other)  # "save" while a draft is open
    with organization_scope(bakery.organization):
        assert fresh(bakery).name == "Front desk"
    dora.post(address(bakery, "assistant_edit_publish"), sent)
    with organization_scope(bakery.organization):
        assert fresh(bakery).name == "Night desk"
        assert not fresh(bakery).has_draft
        assert fresh(bakery).versions.count() == 2


def test_saving_what_a_browser_sends_back_makes_no_version(bakery: House) -> None:
    with organization_scope(bakery.organization):
        spec = desk_spec(
            llm_config=LLMConfig(
                provider="demo",
                model="demo-1",
                messages=(Message(role="system", content="One\nTwo"),),
            )
        )
        services.save_assistant(assistant=bakery.assistant, spec=spec, actor=None)
        sent = answers(spec)
    dora = browser(bakery, bakery.people["dora"])
    dora.post(address(bakery, "assistant_edit"), sent)
    with organization_scope(bakery.organization):
        count = fresh(bakery).versions.count()
    sent["instructions"] = sent["instructions"].replace("\n", "\r\n")
    dora.post(address(bakery, "assistant_edit"), sent)
    with organization_scope(bakery.organization):
        assert fresh(bakery).versions.count() == count


def test_versions_are_compared_restored_and_listed(bakery: House) -> None:
    with organization_scope(bakery.organization):
        services.save_assistant(
            assistant=bakery.assistant, spec=desk_spec(name="Second"), actor=None
        )
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(address(bakery, "assistant_compare"))
    assert [change.param for change in page.context["changes"]] == ["name"]
    dora.post(address(bakery, "assistant_restore", 1))
    page = dora.get(address(bakery, "assistant_versions"))
    assert [row.number for row in page.context["page"]] == [3, 2, 1]
    assert "as version 1" in page.content.decode()


@pytest.mark.parametrize("number", ["9", "draft", "-1", "x", "99999999999", "²"])
def test_a_version_that_is_not_there_is_not_found(bakery: House, number: str) -> None:
    dora = browser(bakery, bakery.people["dora"])
    at = address(bakery, "assistant_compare")
    assert dora.get(at, {"from": number, "to": "1"}).status_code == 404


def test_a_refused_publication_says_why_and_keeps_the_draft(bakery: House) -> None:
    with organization_scope(bakery.organization):
        services.save_draft(
            assistant=fresh(bakery), spec=spec_with(llm_config=GPT), actor=None
        )
    dora = browser(bakery, bakery.people["dora"])
    page = dora.post(address(bakery, "assistant_publish"), follow=True)
    assert "needs a key" in page.content.decode()
    with organization_scope(bakery.organization):
        assert fresh(bakery).has_draft


# --- secrets under a new key ----------------------------------------------------------
def test_a_new_key_reaches_secrets_inside_versions_drafts_and_calls(
    in_bakery: House, node: Any, settings: Any
) -> None:
    keep_spec(assistant=fresh(in_bakery), spec=with_secret(), actor=None)
    services.save_draft(
        assistant=fresh(in_bakery), spec=with_secret(secret="n3w"), actor=None
    )
    call = start_web_call(
        organization=in_bakery.organization, assistant=fresh(in_bakery), actor=None
    ).call
    kept = kept_settings(
        organization=in_bakery.organization, spec=with_secret(), webhook=None
    )
    Call.objects.filter(pk=call.pk).update(overrides=kept)
    new = new_key("k2")
    settings.SEALING_KEYS = f"{new},{settings.SEALING_KEYS}"
    assert reseal_all() == 3
    assert reseal_all() == 0
    settings.SEALING_KEYS = new
    assistant = fresh(in_bakery)
    call.refresh_from_db()
    assert assistant.current_version is not None
    specs = [
        assistant.current_version.spec,
        AssistantSpec.model_validate(assistant.draft_json),
        spec_of(call),
    ]
    secrets = []
    for spec in specs:
        [tool] = opened(spec, in_bakery.organization.pk).llm_config.tools
        assert isinstance(tool, FunctionTool)
        secrets.append(tool.server.secret)
    assert secrets == ["s3cret", "n3w", "s3cret"]
