"""What is told of sealed content is sealed in its tables, and open to whoever is told."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from common.sealing import new_key
from portal.models import WebhookAttempt, WebhookEndpoint
from portal.scope import all_organizations, organization_scope
from portal.sealed import reseal_all
from portal.services.privacy import save_privacy
from portal.webhooks import record_event
from portal.webhooks.asking import listener_for, note_question
from portal.webhooks.delivering import deliver_due
from tests.fakes.receiver import Receiver, Reply
from tests.webhooks.conftest import deliveries, make_endpoint
from tests.webhooks.test_asking import answer_of
from tests.world import House, browser

SECRET_WORDS = "my appointment is about my knee"


def in_tables() -> list[str]:
    """Everything the outbox and its log hold, as somebody with the database reads it."""
    found: list[str] = []
    with all_organizations("test"), connection.cursor() as cursor:
        for column, table in (
            ("body", "portal_webhookevent"),
            ("response_body", "portal_webhookattempt"),
        ):
            cursor.execute(f"select {column} from {table}")
            found += [text for (text,) in cursor.fetchall()]
    return found


def test_a_sealed_event_is_delivered_open_and_kept_sealed(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.replies = [Reply(body=SECRET_WORDS.encode())]
    record_event(
        organization=bakery.organization,
        kind="end-of-call-report",
        data={"summary": SECRET_WORDS},
        call_id=uuid4(),
        is_sealed=True,
    )
    deliver_due()
    [got] = receiver.received
    assert json.loads(got.body)["message"]["summary"] == SECRET_WORDS
    kept = in_tables()
    assert len(kept) == 2
    assert all(text.startswith("\x1asealed:") for text in kept)
    assert SECRET_WORDS not in "".join(kept)
    with organization_scope(bakery.organization):
        assert WebhookAttempt.objects.get().response_body == SECRET_WORDS
    [delivery] = deliveries(bakery)
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("webhook_delivery", args=[delivery.pk])
    )
    assert SECRET_WORDS in page.content.decode()


def test_what_is_not_asked_to_be_sealed_is_plain(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    record_event(organization=bakery.organization, kind="credits.low", data={"a": 1})
    [kept] = in_tables()
    assert json.loads(kept)["message"]["a"] == 1


def test_a_new_key_reaches_what_waits_to_be_told(
    bakery: House, endpoint: WebhookEndpoint, settings: Any
) -> None:
    record_event(
        organization=bakery.organization, kind="credits.low", data={}, is_sealed=True
    )
    assert reseal_all() == 0
    settings.SEALING_KEYS = f"{new_key('k2')},{settings.SEALING_KEYS}"
    assert reseal_all() >= 1
    assert all(text.startswith("\x1asealed:k2.") for text in in_tables())
    [delivery] = deliveries(bakery)
    assert json.loads(delivery.event.body)["message"]["type"] == "credits.low"


@pytest.mark.parametrize("seals", [True, False])
def test_a_question_and_its_answer_follow_the_policy(
    bakery: House, receiver: Receiver, seals: bool
) -> None:
    make_endpoint(bakery, receiver, "/ask", events=["*"])
    with organization_scope(bakery.organization):
        save_privacy(organization=bakery.organization, actor=None, seals_content=seals)
    listener = listener_for(organization=bakery.organization, kind="tool-calls")
    assert listener is not None
    receiver.replies = [Reply(body=json.dumps({"said": SECRET_WORDS}).encode())]
    reply = answer_of(listener, words=SECRET_WORDS)
    note_question(
        organization=bakery.organization,
        listener=listener,
        kind="tool-calls",
        reply=reply,
        call_id=None,
    )
    kept = in_tables()
    assert len(kept) == 2
    assert all((SECRET_WORDS in text) is not seals for text in kept)
