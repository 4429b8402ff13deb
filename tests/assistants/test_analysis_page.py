"""What is found out after calls, as a page: facts without JSON, refusals beside the field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from assistants.analysis_plan import AnalysisPlan
from assistants.catalogue import validate_spec
from assistants.models import AnalysisTemplate, Assistant
from assistants.services import save_assistant, working_spec
from assistants.sovereignty import data_flows
from portal.scope import organization_scope
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": []}
ANSWERS = {
    "summarises": "on",
    "finds_data": "on",
    "schema": json.dumps(SCHEMA),
    "evaluates": "on",
    "criteria": "They booked.",
    "min_messages_threshold": "4",
}


def save(house: House, **changes: Any) -> Any:
    at = reverse("assistant_analysis", args=[house.assistant.pk])
    return browser(house, house.people["dora"]).post(at, ANSWERS | changes)


def plan_of(house: House) -> AnalysisPlan | None:
    with organization_scope(house.organization):
        return working_spec(Assistant.objects.get(pk=house.assistant.pk)).analysis_plan


def test_a_plan_is_kept_as_it_was_asked_for(bakery: House) -> None:
    assert save(bakery, user_prompt="Read:\r\n{transcript}").status_code == 302
    plan = plan_of(bakery)
    assert plan is not None
    assert plan.summary_plan.enabled
    assert plan.structured_data_plan is not None
    assert plan.structured_data_plan.json_schema == SCHEMA
    assert plan.structured_data_plan.messages[0].content == "Read:\n{transcript}"
    assert plan.success_evaluation_plan is not None
    assert plan.success_evaluation_plan.criteria == "They booked."
    assert plan.min_messages_threshold == 4
    save(bakery, user_prompt="Read:\r\n{transcript}")
    with organization_scope(bakery.organization):
        assert Assistant.objects.get(pk=bakery.assistant.pk).versions.count() == 2


def test_messages_the_page_does_not_ask_for_stay(bakery: House) -> None:
    messages = [
        {"role": "user", "content": "First"},
        {"role": "user", "content": "Second"},
    ]
    plan = AnalysisPlan.model_validate(
        {"structured_data_plan": {"schema": SCHEMA, "messages": messages}}
    )
    with organization_scope(bakery.organization):
        save_assistant(
            assistant=bakery.assistant, spec=desk_spec(analysis_plan=plan), actor=None
        )
    save(bakery, user_prompt="First\n\nSecond", system_prompt="Be exact.")
    kept = plan_of(bakery)
    assert kept is not None
    assert kept.structured_data_plan is not None
    assert [m.content for m in kept.structured_data_plan.messages] == [
        "Be exact.",
        "First",
        "Second",
    ]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("min_messages_threshold", "101", "100"),
        ("min_messages_threshold", "-1", "0"),
        ("min_messages_threshold", "", "required"),
        ("criteria", "x" * 4_001, "4000"),
        ("user_prompt", "x" * 20_001, "20000"),
        ("system_prompt", "x" * 20_001, "20000"),
        ("summary_prompt", "x" * 20_001, "20000"),
        ("schema", "", "at least one fact"),
        ("schema", '{"type": "object"}', "at least one fact"),
        ("schema", '{"type": "object", "properties": []}', "no JSON Schema"),
        ("schema", "nonsense", "not valid JSON"),
        ("model", "openai/gpt-5.4", "not one of the available"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    bakery: House, field: str, value: str, reason: str
) -> None:
    page = save(bakery, **{field: value})
    assert page.status_code == 422
    assert reason in " ".join(page.context["form"].errors[field])
    assert plan_of(bakery) is None


def test_an_analysis_of_the_library_is_copied_in(bakery: House) -> None:
    save(bakery)
    with organization_scope(bakery.organization):
        template = AnalysisTemplate.objects.create(
            organization=bakery.organization,
            name="Order",
            schema=SCHEMA | {"title": "Order"},
            min_messages_threshold=7,
        )
    dora = browser(bakery, bakery.people["dora"])
    at = reverse("assistant_analysis_insert", args=[bakery.assistant.pk, template.pk])
    assert dora.post(at).status_code == 302
    plan = plan_of(bakery)
    assert plan is not None
    assert plan.structured_data_plan is not None
    assert plan.structured_data_plan.json_schema["title"] == "Order"
    assert plan.min_messages_threshold == 7
    assert plan.success_evaluation_plan is not None  # it stays the assistant's
    at = reverse(
        "assistant_analysis_insert_starter", args=[bakery.assistant.pk, "appointment"]
    )
    assert dora.post(at).status_code == 302


def test_a_model_of_its_own_is_checked_and_is_a_way_out(bakery: House) -> None:
    plan = AnalysisPlan(provider="openai", model="nonsense")
    spec = desk_spec(analysis_plan=plan)
    assert [fault.param for fault in validate_spec(spec)] == ["analysis_plan.model"]
    unknown = desk_spec(analysis_plan=AnalysisPlan(provider="nobody"))
    assert [f.param for f in validate_spec(unknown)] == ["analysis_plan.provider"]
    with organization_scope(bakery.organization):
        flows = {flow.param: flow for flow in data_flows(spec)}
    assert flows["analysis_plan"].receiver == "OpenAI"
