"""What is told of a call: the documented envelope, when it begins and when it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistants.services import save_assistant
from assistants.tool_shapes import FunctionTool
from calls.models import Call, VoiceNode
from calls.services.finish import Outcome, finish_call
from calls.services.outbound import place_call
from calls.services.running import mark_connected, pick_up
from calls.services.web import start_web_call
from calls.session.events import EndReason
from calls.webhook_messages import call_envelope
from common.ids import uuid7
from portal.models import WebhookEvent
from portal.scope import Scope, organization_scope
from portal.webhooks.endpoints import create_endpoint
from tests.world import House, desk_spec


@pytest.fixture
def told(bakery: House) -> Any:
    """What Bakery's endpoint is told, as messages."""
    with organization_scope(bakery.organization):
        create_endpoint(
            organization=bakery.organization,
            url="https://example.com/hook",
            events=["*"],
            actor=None,
        )

    def messages() -> list[dict[str, Any]]:
        with organization_scope(bakery.organization):
            return [
                json.loads(event.body)["message"]
                for event in WebhookEvent.objects.order_by("created_at")
            ]

    return messages


def phone_call(house: House) -> Call:
    with organization_scope(house.organization):
        return place_call(
            organization=house.organization,
            assistant=house.assistant,
            destination="+31612345678",
            call_id=uuid7(),
            actor=None,
            number=house.number,
            metadata={"order": "A-1"},
        )


def end(call: Call, reason: EndReason, error: str = "") -> None:
    finish_call(
        call_id=call.pk,
        scope=Scope(call.agency_id, call.organization_id),
        outcome=Outcome(reason, duration_ms=4_000, error=error),
    )


def connect(call: Call, node: VoiceNode) -> None:
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert mark_connected(order=order, setup_ms=10)
    assert mark_connected(order=order, setup_ms=10)  # the second try tells nothing


def test_a_phone_call_is_told_of_when_it_begins_and_ends(
    bakery: House, node: VoiceNode, told: Any
) -> None:
    call = phone_call(bakery)
    connect(call, node)
    end(call, EndReason.USER_HANGUP)
    begun, ended = told()
    assert begun.pop("timestamp") < ended.pop("timestamp")
    assistant = begun.pop("assistant")
    assert begun == {
        "type": "status-update",
        "status": "in-progress",
        "call": {
            "id": str(call.pk),
            "type": "outbound_phone_call",
            "status": "in-progress",
            "pipeline": "standard",
        },
        "phone_number": {
            "id": str(bakery.number.pk),
            "number": bakery.number.number,
            "name": None,
        },
        "customer": {"number": "+31612345678"},
        "metadata": {"order": "A-1"},
    }
    assert assistant["id"] == str(bakery.assistant.pk)
    assert assistant["llm_config"]["provider"] == "demo"
    assert (ended["status"], ended["end_reason"]) == ("ended", "user_hangup")
    assert ended["call"]["status"] == "ended"
    assert "error" not in ended


def test_a_call_that_broke_says_why(bakery: House, node: VoiceNode, told: Any) -> None:
    call = phone_call(bakery)
    connect(call, node)
    end(call, EndReason.VENDOR_FAILED, "STT connection failed")
    ended = told()[-1]
    assert ended["status"] == "ended-with-error"
    assert ended["error"] == "STT connection failed"


def test_nobody_answering_is_no_error(
    bakery: House, node: VoiceNode, told: Any
) -> None:
    call = phone_call(bakery)
    end(call, EndReason.NO_ANSWER, "Nobody answered.")
    (ended,) = told()
    assert (ended["status"], ended["end_reason"]) == ("ended", "no_answer")
    assert ended["call"]["status"] == "failed"


def test_a_browser_call_names_no_numbers(
    bakery: House, node: VoiceNode, told: Any
) -> None:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
    connect(call, node)
    (begun,) = told()
    assert begun["call"]["type"] == "web_call"
    assert begun["phone_number"] == {"id": None, "number": None, "name": None}
    assert begun["customer"] == {"number": None}


def test_no_secret_of_a_tool_leaves(bakery: House, node: VoiceNode) -> None:
    tool = FunctionTool.model_validate(
        {
            "type": "function",
            "function": {"name": "check_slot"},
            "server": {"url": "https://example.com/tool", "secret": "hush"},
        }
    )
    spec = desk_spec()
    llm = spec.llm_config.model_copy(update={"tools": (tool,)})
    with organization_scope(bakery.organization):
        save_assistant(
            assistant=bakery.assistant,
            spec=spec.model_copy(update={"llm_config": llm}),
            actor=None,
        )
        bakery.assistant.refresh_from_db()
    call = phone_call(bakery)
    with organization_scope(bakery.organization):
        envelope = call_envelope(call)
    assert "hush" not in json.dumps(envelope)
    assert "check_slot" in json.dumps(envelope)
