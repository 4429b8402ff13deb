"""Who takes a call: every answer of a customer's server, and none at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from assistants.services import create_assistant
from calls.assistant_request import BadAnswer, read_answer
from calls.models import Call, VoiceNode
from calls.services.assistant_requests import TurnAway, follow, question_for
from calls.services.outbound import place_call
from calls.services.running import CallOrder, pick_up
from common.http.client import close_sessions
from common.ids import uuid7
from portal.models import WebhookDelivery
from portal.scope import organization_scope
from portal.webhooks.endpoints import create_endpoint
from tests.fakes.receiver import Receiver, Reply, receiving
from tests.world import House, desk_spec


@pytest.fixture
def receiver(bakery: House, settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with receiving() as receiver, organization_scope(bakery.organization):
        create_endpoint(
            organization=bakery.organization,
            url=receiver.url,
            events=["assistant-request"],
            actor=None,
        )
        yield receiver


@pytest.fixture
def order(bakery: House, node: VoiceNode) -> CallOrder:
    with organization_scope(bakery.organization):
        call = place_call(
            organization=bakery.organization,
            assistant=bakery.assistant,
            destination="+31612345678",
            call_id=uuid7(),
            actor=None,
            number=bakery.number,
            metadata={"a": 1},
        )
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    return order


def asked(order: CallOrder, receiver: Receiver, answer: Any) -> CallOrder | TurnAway:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    receiver.replies = [Reply(200, body)]
    question = question_for(order=order)
    assert question is not None

    async def put() -> Any:
        try:
            return await question.put()
        finally:
            await close_sessions()

    return follow(order=order, question=question, reply=asyncio.run(put()))


def call_of(order: CallOrder) -> Call:
    return Call.objects.get(pk=order.call_id)


def test_it_is_told_of_a_ringing_call(order: CallOrder, receiver: Receiver) -> None:
    assert asked(order, receiver, {}) == order
    message = json.loads(receiver.received[0].body)["message"]
    assert message["type"] == "assistant-request"
    assert message["call"]["status"] == "ringing"
    assert message["customer"] == {"number": "+31612345678"}


def test_a_transient_assistant_takes_the_call(
    order: CallOrder, receiver: Receiver
) -> None:
    changed = asked(
        order,
        receiver,
        {"assistant": {"first_message": "Hi Zoë.", "metadata": {"b": 2}}},
    )
    assert isinstance(changed, CallOrder)
    assert changed.spec.first_message == "Hi Zoë."
    call = call_of(order)
    assert (call.assistant_id, call.metadata) == (None, {"a": 1, "b": 2})


def test_another_assistant_with_blocks_replaced_takes_the_call(
    bakery: House, order: CallOrder, receiver: Receiver
) -> None:
    other = create_assistant(
        organization=bakery.organization, spec=desk_spec(name="Night desk"), actor=None
    )
    changed = asked(
        order,
        receiver,
        {
            "assistant_id": str(other.pk),
            "assistant_override": {"first_message": "Good night."},
        },
    )
    assert isinstance(changed, CallOrder)
    assert (changed.spec.name, changed.spec.first_message) == (
        "Night desk",
        "Good night.",
    )
    assert call_of(order).assistant_id == other.pk


def test_one_setting_is_changed(order: CallOrder, receiver: Receiver) -> None:
    changed = asked(order, receiver, {"max_duration_seconds": 42})
    assert isinstance(changed, CallOrder)
    assert changed.spec.max_duration_seconds == 42
    assert changed.spec.first_message == order.spec.first_message


def test_the_caller_is_turned_away_in_the_answers_words(
    order: CallOrder, receiver: Receiver
) -> None:
    assert asked(order, receiver, {"error": "We are closed."}) == TurnAway(
        "We are closed."
    )


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"<html>", "not JSON"),
        ([], "no object"),
        ({"assistant": 5}, "`assistant` is an object"),
        ({"assistant_id": "me"}, "no id"),
        ({"assistant_id": str(uuid7())}, "no such assistant"),
        ({"assistant": {"llm_config": {"temperature": 9}}}, "llm_config.temperature"),
        ({"assistant": {"first_message": "x"}, "assistant_override": {"a": 1}}, "Give"),
        ({"error": ""}, "`error` is text"),
        ({"assistant": {"webhook_url": "https://10.0.0.1/"}}, "webhook_url"),
    ],
)
def test_an_answer_that_is_no_good_changes_nothing(
    order: CallOrder, receiver: Receiver, answer: Any, problem: str
) -> None:
    assert asked(order, receiver, answer) == order
    call = call_of(order)
    assert (call.overrides, call.metadata) == ({}, {"a": 1})
    event = call.events.get(kind="webhook")
    assert problem in event.data["error"]
    assert WebhookDelivery.objects.count() == 1


def test_nobody_who_wants_to_be_asked_is_no_question(order: CallOrder) -> None:
    assert question_for(order=order) is None


def test_answers_are_read_as_documented() -> None:
    assert read_answer({}).changes_nothing
    assert read_answer({"metadata": {"a": 1}}).metadata == {"a": 1}
    assert read_answer({"error": " no "}).error == "no"
    with pytest.raises(BadAnswer):
        read_answer("no")
