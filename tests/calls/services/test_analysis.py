"""After a call: found out once, reported once, whatever the model and the worker do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from assistants.services import create_assistant
from assistants.spec import AssistantSpec
from calls.models import Call, CallAnalysis, CallEvent, Transfer, Turn, VoiceNode
from calls.services import analysing
from calls.services.finish import Outcome, finish_call
from calls.services.retention import left_over, purge_content
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from common.sealing import new_key
from portal.models import OutgoingMail, WebhookEvent
from portal.scope import Scope, all_organizations, organization_scope
from portal.sealed import reseal_all
from portal.services.privacy import save_privacy
from portal.webhooks.endpoints import create_endpoint
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.threaded import served_in_a_thread
from tests.fakes.vendor_wire import BROKEN
from tests.world import House, desk_spec

SCHEMA = {
    "type": "object",
    "properties": {
        "caller_name": {"type": "string"},
        "guests": {"type": "integer"},
        "mood": {"type": "string", "enum": ["good", "bad"]},
    },
    "required": ["guests"],
}
SAID = [
    ("assistant", "Hello, how can I help you?"),
    ("user", "My name is Anna Bakker and I want a table for 4 people."),
    ("assistant", "Certainly, until tomorrow."),
    ("user", "Thank you, bye."),
]


@pytest.fixture
def openai(settings: Any) -> Iterator[OpenAIServer]:
    """A model in a thread of its own, as a worker has no event loop."""
    with served_in_a_thread(OpenAIServer()) as server:
        settings.VENDOR_KEYS = {"openai": "sk-test"}
        settings.VENDOR_BASE_URLS = {"openai": server.base_url}
        yield server


def spec_with(plan: dict[str, Any] | None, **changes: Any) -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True) | {"analysis_plan": plan} | changes
    return AssistantSpec.model_validate(values)


def openai_spec(plan: dict[str, Any]) -> AssistantSpec:
    mind = desk_spec().llm_config.model_dump(by_alias=True)
    mind |= {"provider": "openai", "model": "gpt-5.4"}
    return spec_with(plan, llm_config=mind)


def ended_call(
    house: House, node: VoiceNode, spec: AssistantSpec, said: Any = tuple(SAID)
) -> Call:
    """A call of this assistant that is over, its analysis still waiting."""
    organization = house.organization
    with organization_scope(organization):
        assistant = create_assistant(organization=organization, spec=spec, actor=None)
        call: Call = start_web_call(
            organization=organization, assistant=assistant, actor=None
        ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=1)
    scope = Scope(organization.agency_id, organization.pk)
    with organization_scope(organization):
        Turn.objects.bulk_create(
            Turn(
                organization=organization,
                agency_id=organization.agency_id,
                call=call,
                index=number,
                speaker=speaker,
                text=text,
                started_ms=number * 1_000,
                ended_ms=number * 1_000 + 900,
            )
            for number, (speaker, text) in enumerate(said)
        )
        create_endpoint(
            organization=organization,
            url="https://example.com/hook",
            events=["end-of-call-report"],
            actor=None,
        )
    return finish_call(
        call_id=call.pk,
        scope=scope,
        outcome=Outcome(EndReason.USER_HANGUP, duration_ms=5_000),
    )


def reports(house: House) -> list[dict[str, Any]]:
    with organization_scope(house.organization):
        rows = WebhookEvent.objects.filter(kind="end-of-call-report")
        return [json.loads(row.body)["message"] for row in rows]


def found(house: House, call: Call) -> CallAnalysis:
    with organization_scope(house.organization):
        analysis: CallAnalysis = CallAnalysis.objects.get(call=call)
        return analysis


PLAN = {"structured_data_plan": {"schema": SCHEMA}}


def test_demo_model_only_copies_what_was_said(bakery: House, node: VoiceNode):
    call = ended_call(bakery, node, spec_with(PLAN))
    assert analysing.analyse(call_id=call.pk)
    analysis = found(bakery, call)
    assert analysis.status == "done"
    assert analysis.data == {"caller_name": "Anna Bakker", "guests": 4}
    assert "I want a table for 4 people" in analysis.summary
    assert analysis.note == analysing.DEMO_NOTE
    [report] = reports(bakery)
    assert report["analysis"] == analysis.data
    assert report["summary"] == analysis.summary
    assert report["end_reason"] == "user_hangup"
    assert [one["role"] for one in report["messages"]] == [s for s, _ in SAID]


def test_call_without_a_plan_is_summarised_and_reported(bakery: House, node: VoiceNode):
    call = ended_call(bakery, node, spec_with(None))
    assert analysing.analyse(call_id=call.pk)
    [report] = reports(bakery)
    assert report["summary"].startswith("The caller said: “My name is")
    assert "analysis" not in report


def test_short_call_is_reported_without_a_summary(bakery: House, node: VoiceNode):
    plan = {**PLAN, "min_messages_threshold": 5}
    call = ended_call(bakery, node, spec_with(plan))
    assert analysing.analyse(call_id=call.pk)
    assert found(bakery, call).status == "skipped"
    [report] = reports(bakery)
    assert report["summary"] == ""


def test_second_run_reports_nothing(bakery: House, node: VoiceNode):
    call = ended_call(bakery, node, spec_with(PLAN))
    assert analysing.analyse(call_id=call.pk)
    assert not analysing.analyse(call_id=call.pk)
    assert analysing.analyse_due() == 0
    assert len(reports(bakery)) == 1


def test_worker_that_was_taken_for_dead_reports_nothing(bakery: House, node: VoiceNode):
    call = ended_call(bakery, node, spec_with(PLAN))
    late = timezone.now() - timedelta(minutes=10)
    with organization_scope(bakery.organization):
        CallAnalysis.objects.filter(call=call).update(
            status="running", claimed_at=late, due_at=late
        )
    assert analysing.analyse_due() == 1
    with organization_scope(bakery.organization):
        row = Call.objects.select_related("analysis", "organization").get(pk=call.pk)
        assert not analysing._finish(row, late, analysing.Found(summary="late"))
    assert len(reports(bakery)) == 1
    assert found(bakery, call).summary != "late"


def test_mails_go_to_everybody_named_once(bakery: House, node: VoiceNode):
    people = {
        "notification_email": "a@bakery.example",
        "notification_emails": ["a@bakery.example", "b@bakery.example"],
    }
    call = ended_call(bakery, node, spec_with(None, **people))
    analysing.analyse(call_id=call.pk)
    with organization_scope(bakery.organization):
        mails = OutgoingMail.objects.filter(template="call_report")
        assert sorted(mails.values_list("recipient", flat=True)) == [
            "a@bakery.example",
            "b@bakery.example",
        ]
        assert "My name is Anna" in mails[0].text
    assert mail.outbox == []  # a worker sends them


@pytest.mark.slow
def test_model_is_asked_for_summary_facts_and_judgement_in_that_order(
    openai: OpenAIServer, bakery: House, node: VoiceNode
):
    openai.replies = [
        Reply("Anna booked a table."),
        Reply('{"caller_name": null, "guests": 4, "mood": "good"}'),
        Reply('{"success": true, "reason": "A table was booked."}'),
    ]
    messages = [{"role": "user", "content": "{{summary}} {summary} {schema} {x}"}]
    plan = {
        "structured_data_plan": {"schema": SCHEMA, "messages": messages},
        "success_evaluation_plan": {"criteria": "A table was booked."},
    }
    call = ended_call(bakery, node, openai_spec(plan))
    assert analysing.analyse(call_id=call.pk)
    analysis = found(bakery, call)
    assert analysis.summary == "Anna booked a table."
    assert analysis.data == {"guests": 4, "mood": "good"}
    assert (analysis.is_success, analysis.success_reason) == (
        True,
        "A table was booked.",
    )
    assert (analysis.model, analysis.key_owner) == ("gpt-5.4-mini", "platform")
    assert analysis.input_tokens > 0
    assert analysis.cost_microeuros > 0
    asked = openai.requests[1]
    assert asked["messages"][-1]["content"].startswith(
        "Anna booked a table. Anna booked a table. {"
    )
    assert asked["messages"][-1]["content"].endswith(" {x}")
    strict = asked["response_format"]["json_schema"]["schema"]
    assert sorted(strict["required"]) == ["caller_name", "guests", "mood"]
    assert strict["properties"]["caller_name"]["type"] == ["string", "null"]


@pytest.mark.slow
def test_answer_that_does_not_fit_is_repaired_once_and_no_more(
    openai: OpenAIServer, bakery: House, node: VoiceNode
):
    plan = {**PLAN, "summary_plan": {"enabled": False}}
    openai.replies = [Reply('{"guests": "four"}'), Reply('{"guests": 4}')]
    call = ended_call(bakery, node, openai_spec(plan))
    analysing.analyse(call_id=call.pk)
    assert found(bakery, call).data == {"guests": 4}
    assert "is not of type" in openai.requests[1]["messages"][-1]["content"]
    openai.requests.clear()
    openai.replies = [Reply("nonsense"), Reply("more nonsense"), Reply('{"guests": 4}')]
    again = ended_call(bakery, node, openai_spec(plan))
    analysing.analyse(call_id=again.pk)
    analysis = found(bakery, again)
    assert analysis.data is None
    assert "not valid JSON" in analysis.note
    assert len(openai.requests) == 2


@pytest.mark.slow
def test_model_that_fails_is_asked_again_later_and_the_report_goes_out_at_last(
    openai: OpenAIServer, bakery: House, node: VoiceNode
):
    call = ended_call(bakery, node, openai_spec({}))
    openai.faults = [BROKEN] * 20
    for attempt in range(1, analysing.MAX_ATTEMPTS + 1):
        with organization_scope(bakery.organization):
            CallAnalysis.objects.filter(call=call).update(due_at=timezone.now())
        is_last = attempt == analysing.MAX_ATTEMPTS
        assert analysing.analyse(call_id=call.pk) is is_last
        assert len(reports(bakery)) == int(is_last)
    analysis = found(bakery, call)
    assert analysis.status == "failed"
    assert analysis.note.startswith("openai:")


def raw_findings(call: Call) -> list[str]:
    """What the tables themselves hold of it."""
    with all_organizations("test"), connection.cursor() as cursor:
        cursor.execute(
            "select summary, data_json, success_reason, note from calls_callanalysis"
            " where call_id = %s",
            [call.pk],
        )
        found = [str(text) for text in cursor.fetchone()]
        cursor.execute("select summary from calls_call where id = %s", [call.pk])
        return [*found, str(cursor.fetchone()[0])]


def test_findings_are_sealed_when_content_is_and_reach_the_report_open(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=True)
    plan = {"structured_data_plan": {"enabled": True, "schema": SCHEMA}}
    call = ended_call(bakery, node, spec_with(plan))
    assert analysing.analyse(call_id=call.pk)
    summary, data, _reason, note, shown = raw_findings(call)
    assert all(text.startswith("\x1asealed:") for text in (summary, data, note, shown))
    analysis = found(bakery, call)
    assert analysis.data == {"caller_name": "Anna Bakker", "guests": 4}
    [report] = reports(bakery)
    assert report["summary"] == analysis.summary
    assert "4 people" in analysis.summary
    with organization_scope(bakery.organization):
        assert Call.objects.get(pk=call.pk).summary == analysis.summary


@pytest.mark.parametrize("seals", [True, False])
def test_a_name_that_turned_up_is_told_and_kept_nowhere(
    bakery: House, node: VoiceNode, seals: bool
):
    with organization_scope(bakery.organization):
        save_privacy(
            organization=bakery.organization,
            actor=None,
            redacted_categories=["name"],
            seals_content=seals,
        )
    people = {"notification_email": "a@bakery.example"}
    call = ended_call(bakery, node, spec_with(PLAN, **people))
    with organization_scope(bakery.organization):
        CallEvent.objects.create(
            organization=bakery.organization,
            call=call,
            kind="tool_called",
            at=timezone.now(),
            data={"arguments": {"contact_name": "Ed"}, "result": "Ed is known"},
        )
        Transfer.objects.create(
            organization=bakery.organization,
            call=call,
            destination="+31201234567",
            brief="Anna Bakker is on the line",
            asked_at=timezone.now(),
        )
    assert analysing.analyse(call_id=call.pk)
    assert found(bakery, call).data == {"caller_name": "[name]", "guests": 4}
    [report] = reports(bakery)
    with organization_scope(bakery.organization):
        turns = [turn.text for turn in Turn.objects.filter(call=call)]
        event = CallEvent.objects.get(call=call, kind="tool_called")
        told = [
            *turns,
            json.dumps(report),
            json.dumps(event.whole),
            OutgoingMail.objects.get(template="call_report").text,
            Transfer.objects.get(call=call).brief,
            Call.objects.get(pk=call.pk).summary,
        ]
    assert turns[1] == "My name is [name] and I want a table for 4 people."
    assert event.whole == {
        "arguments": {"contact_name": "[name]"},
        "result": "[name] is known",
    }
    assert not [text for text in told if "Anna" in text or "Bakker" in text]


def test_a_new_key_reaches_sealed_findings(
    bakery: House, node: VoiceNode, settings: Any
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=True)
    call = ended_call(bakery, node, spec_with({}))
    assert analysing.analyse(call_id=call.pk)
    old = found(bakery, call).summary
    settings.SEALING_KEYS = f"{new_key('k2')},{settings.SEALING_KEYS}"
    assert reseal_all() >= 2
    kept = [text for text in raw_findings(call) if text]
    assert all(text.startswith("\x1asealed:k2.") for text in kept)
    assert found(bakery, call).summary == old


def test_purging_a_call_leaves_nothing_of_its_findings(
    bakery: House, node: VoiceNode
) -> None:
    plan = {"structured_data_plan": {"enabled": True, "schema": SCHEMA}}
    call = ended_call(bakery, node, spec_with(plan))
    assert analysing.analyse(call_id=call.pk)
    with organization_scope(bakery.organization):
        assert left_over({call.pk: ""}) == 1
        call.refresh_from_db()
        purge_content(call)
        assert left_over({call.pk: ""}) == 0
    assert raw_findings(call) == [""] * 5


@pytest.mark.slow
def test_no_model_outside_the_region_looks_at_a_call(
    bakery: House, node: VoiceNode, openai: OpenAIServer
):
    call = ended_call(bakery, node, openai_spec({"summary_plan": {"enabled": True}}))
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, regions="eu")
    assert analysing.analyse(call_id=call.pk)
    assert openai.requests == []
    assert found(bakery, call).provider == analysing.DEMO
    assert len(reports(bakery)) == 1
