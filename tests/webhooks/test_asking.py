"""Questions a call waits for: answered in time, or not at all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from django.utils import timezone
from standardwebhooks import Webhook

from common.http.client import close_sessions
from portal.models import WebhookAttempt, WebhookEndpoint
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from portal.webhooks.asking import Listener, ask, listener_for, note_question
from portal.webhooks.delivering import deliver_due
from tests.fakes.receiver import Receiver, Reply
from tests.webhooks.conftest import SECRET, deliveries, fresh, make_endpoint
from tests.world import House


def answer_of(listener: Listener, timeout_s: float = 5.0, **data: Any) -> Any:
    async def put() -> Any:
        try:
            return await ask(
                listener, kind="tool-calls", data=data, timeout_s=timeout_s
            )
        finally:
            await close_sessions()

    return asyncio.run(put())


def listening(receiver: Receiver, *secrets: str) -> Listener:
    return Listener(f"{receiver.url}/ask", secrets or (SECRET,), "Acme/1.0")


@pytest_asyncio.fixture
async def connections() -> AsyncIterator[None]:
    yield
    await close_sessions()


def test_the_answer_is_the_receivers_json(receiver: Receiver) -> None:
    receiver.replies = [Reply(200, b'{"result": "Tuesday"}')]
    reply = answer_of(listening(receiver), tool_call_list=[])
    assert (reply.value, reply.error) == ({"result": "Tuesday"}, "")
    (got,) = receiver.received
    assert Webhook(SECRET).verify(got.body, dict(got.headers))
    assert json.loads(got.body)["message"]["type"] == "tool-calls"


def test_an_empty_answer_is_an_empty_object(receiver: Receiver) -> None:
    receiver.replies = [Reply(200, b"")]
    assert answer_of(listening(receiver)).value == {}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(500), "HTTP 500"),
        (Reply(200, b"<html>"), "The answer is not JSON."),
        (Reply(200, b"[" * 100_000), "The answer is not JSON."),
        (Reply(302, headers={"Location": "http://127.0.0.1/"}), "HTTP 302"),
        (Reply(200, b"x" * 600_000), "The answer has more than 524288 bytes."),
    ],
)
def test_what_cannot_be_used_is_said(
    receiver: Receiver, reply: Reply, error: str
) -> None:
    receiver.replies = [reply]
    got = answer_of(listening(receiver))
    assert (got.value, got.error, got.is_useful) == (None, error, False)


@pytest.mark.slow
def test_a_receiver_that_hangs_costs_the_deadline_and_no_more(
    receiver: Receiver,
) -> None:
    receiver.replies = [Reply(hangs=True)]
    started = time.monotonic()
    reply = answer_of(listening(receiver), timeout_s=0.3)
    assert reply.error == "No answer within 0.3 seconds."
    assert time.monotonic() - started < 2


@pytest.mark.slow
def test_being_mistrusted_does_not_double_the_deadline(receiver: Receiver) -> None:
    receiver.replies = [Reply(401, after_s=0.2), Reply(hangs=True)]
    started = time.monotonic()
    answer_of(listening(receiver, "new", "old"), timeout_s=0.4)
    assert time.monotonic() - started < 2
    assert len(receiver.received) == 2


def test_a_receiver_with_the_old_secret_is_asked_again(receiver: Receiver) -> None:
    receiver.replies = [Reply(401), Reply(200, b'{"result": 1}')]
    assert answer_of(listening(receiver, "new", SECRET)).value == {"result": 1}


@pytest.mark.asyncio
async def test_one_connection_serves_many_questions(
    receiver: Receiver, connections: None
) -> None:
    for _ in range(5):
        reply = await ask(
            listening(receiver), kind="tool-calls", data={}, timeout_s=5.0
        )
        assert reply.is_useful
    assert len({got.peer for got in receiver.received}) == 1


def test_a_tools_own_address_comes_before_the_assistants_and_the_organizations(
    bakery: House, receiver: Receiver
) -> None:
    def asked(**values: Any) -> str:
        listener = listener_for(
            organization=bakery.organization,
            kind="tool-calls",
            assistant_id=bakery.assistant.pk,
            **values,
        )
        return listener.url.rpartition("/")[2] if listener else ""

    assert asked() == ""
    make_endpoint(bakery, receiver, "/organization")
    assert asked() == "organization"
    make_endpoint(bakery, receiver, "/assistant", assistant_id=bakery.assistant.pk)
    assert asked() == "assistant"
    assert asked(url="https://example.com/tool") == "tool"


def test_a_tool_without_a_secret_is_signed_for_with_the_assistants(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    def secrets(**values: Any) -> tuple[str, ...]:
        found = listener_for(
            organization=bakery.organization,
            kind="tool-calls",
            url="https://example.com/tool",
            **values,
        )
        assert found is not None
        assert found.endpoint_id is None
        return found.secrets

    assert secrets() == (SECRET,)
    assert secrets(secret="its own") == ("its own",)


def test_a_call_does_not_wait_for_an_endpoint_that_is_left_alone(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    with organization_scope(bakery.organization):
        WebhookEndpoint.objects.update(
            paused_until=timezone.now() + timedelta(minutes=1)
        )
    assert listener_for(organization=bakery.organization, kind="tool-calls") is None


@pytest.mark.parametrize(
    ("reply", "status"), [(Reply(), "delivered"), (Reply(500), "failed")]
)
def test_a_question_is_in_the_log_and_is_not_put_again(
    bakery: House,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    reply: Reply,
    status: str,
) -> None:
    receiver.replies = [reply]
    listener = listener_for(organization=bakery.organization, kind="tool-calls")
    assert listener is not None
    call_id = uuid4()
    note_question(
        organization=bakery.organization,
        listener=listener,
        kind="tool-calls",
        reply=answer_of(listener),
        call_id=call_id,
    )
    (delivery,) = deliveries(bakery)
    assert (delivery.status, delivery.attempts, delivery.call_id) == (
        status,
        1,
        call_id,
    )
    assert fresh(endpoint).failures_in_row == (status == "failed")
    deliver_due()
    assert len(receiver.received) == 1


def test_the_log_keeps_a_question_without_what_the_policy_takes_out(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    with organization_scope(bakery.organization):
        save_privacy(
            organization=bakery.organization,
            actor=None,
            redacted_categories=["email", "name"],
        )
    receiver.replies = [Reply(body=b'{"result": "Anna is ann@post.example"}')]
    listener = listener_for(organization=bakery.organization, kind="tool-calls")
    assert listener is not None
    used = {"function": {"name": "find", "arguments": {"q": "Anna, ann@post.example"}}}
    data: dict[str, Any] = {"tool_call_list": [used], "call": {"id": str(uuid4())}}
    reply = answer_of(listener, **data)
    note_question(
        organization=bakery.organization,
        listener=listener,
        kind="tool-calls",
        reply=reply,
        call_id=None,
        names=("Anna",),
    )
    [got] = receiver.received
    assert b"Anna, ann@post.example" in got.body  # the tool works with it
    (delivery,) = deliveries(bakery)
    kept = json.loads(delivery.event.body)["message"]
    assert kept["tool_call_list"][0]["function"]["arguments"] == {
        "q": "[name], [email]"
    }
    assert kept["call"] == data["call"]
    with organization_scope(bakery.organization):
        answer = WebhookAttempt.objects.get().response_body
    assert answer == '{"result": "[name] is [email]"}'
