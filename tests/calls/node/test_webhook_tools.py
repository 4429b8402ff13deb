"""Functions over webhooks: sent signed to the nearest address, answered in any shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from assistants.services import save_assistant
from assistants.spec import AssistantSpec
from assistants.tool_shapes import FunctionTool
from calls.models import VoiceNode
from calls.node.webhook_tools import DONE, NOWHERE, WebhookTools
from calls.services.running import CallOrder, pick_up
from calls.services.web import start_web_call
from calls.session.ports import ToolFailed
from portal.scope import organization_scope
from portal.webhooks.endpoints import create_endpoint
from portal.webhooks.signing import documented
from tests.fakes.receiver import Receiver, Reply, receiving
from tests.world import House, desk_spec


@pytest.fixture
def service(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ("127.0.0.0/8",)
    with receiving() as receiver:
        yield receiver


def order_with(house: House, node: VoiceNode, **tool: Any) -> CallOrder:
    values = desk_spec().model_dump(by_alias=True)
    values["llm_config"]["tools"] = [{"name": "find_order", **tool}]
    with organization_scope(house.organization):
        save_assistant(
            assistant=house.assistant,
            spec=AssistantSpec.model_validate(values),
            actor=None,
        )
        house.assistant.refresh_from_db()
        call = start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    return order


def use(order: CallOrder, **arguments: Any) -> str:
    [tool] = order.spec.llm_config.tools
    assert isinstance(tool, FunctionTool)

    async def run() -> str:
        runner = WebhookTools(order.call_id, order.equipment)
        try:
            return await runner.run(tool, arguments, use_id="use-1")
        finally:
            await runner.aclose()

    return asyncio.run(run())


def test_request_is_signed_and_in_the_documented_shape(
    service: Receiver, bakery: House, node: VoiceNode
):
    order = order_with(bakery, node, url=service.url, secret="s3cret")
    service.replies = [Reply(body=b'{"result": "It is on its way."}')]
    assert use(order, number="12") == "It is on its way."
    [got] = service.received
    message = json.loads(got.body)["message"]
    assert message["type"] == got.headers["x-webhook-event"] == "tool-calls"
    assert message["tool_call_list"] == [
        {
            "id": "use-1",
            "type": "function",
            "function": {"name": "find_order", "arguments": {"number": "12"}},
        }
    ]
    assert message["call"]["id"] == str(order.call_id)
    assert message["call"]["type"] == "web_call"
    timestamp = int(got.headers["x-webhook-timestamp"])
    assert got.headers["x-webhook-signature"] == documented(
        "s3cret", timestamp, got.body
    )
    assert b"s3cret" not in got.body
    assert b"sealed:" not in got.body


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"results": [{"tool_call_id": "other", "result": "no"},'
         b' {"tool_call_id": "use-1", "result": "yes"}]}', "yes"),
        (b'{"result": {"free": true}}', '{"free": true}'),
        (b'{"price": 3}', '{"price": 3}'),
        (b"[1, 2]", "[1, 2]"),
        (b"just words", "just words"),
        (b"", DONE),
        (b"{}", DONE),
    ],
)  # fmt: skip
def test_any_answer_becomes_words_for_the_model(
    service: Receiver, bakery: House, node: VoiceNode, body: bytes, told: str
):
    order = order_with(bakery, node, url=service.url)
    service.replies = [Reply(body=body)]
    assert use(order) == told


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(body=b'{"error": "No such order."}'), "No such order."),
        (Reply(status=500), "The service failed: HTTP 500"),
    ],
)
def test_failure_is_told_to_the_model(
    service: Receiver, bakery: House, node: VoiceNode, reply: Reply, reason: str
):
    order = order_with(bakery, node, url=service.url)
    service.replies = [reply]
    with pytest.raises(ToolFailed, match=reason):
        use(order)


def test_private_address_is_not_reached(
    service: Receiver, bakery: House, node: VoiceNode, settings: Any
):
    order = order_with(bakery, node, url=service.url)
    settings.OUTBOUND_ALLOWED_NETWORKS = ()
    with pytest.raises(ToolFailed, match="The service failed"):
        use(order)
    assert service.received == []


def test_function_without_an_address_goes_to_the_organizations(
    service: Receiver, bakery: House, node: VoiceNode
):
    order = order_with(bakery, node)
    with pytest.raises(ToolFailed, match=NOWHERE):
        use(order)
    with organization_scope(bakery.organization):
        create_endpoint(
            organization=bakery.organization,
            url=service.url,
            events=["tool-calls"],
            actor=None,
        )
    assert use(order_with(bakery, node)) == DONE
    assert len(service.received) == 1
