"""A receiver can check where a message comes from, in either documented way."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from standardwebhooks import Webhook

from portal.models import WebhookEndpoint
from portal.scope import organization_scope
from portal.webhooks import record_event
from portal.webhooks.delivering import deliver_due
from portal.webhooks.endpoints import rotate_secret
from portal.webhooks.signing import new_secret, signed_headers, user_agent
from tests.fakes.receiver import Received, Receiver, Reply
from tests.webhooks.conftest import SECRET, deliveries
from tests.world import House


def documented(secret: str, got: Received) -> str:
    content = f"{got.headers['x-webhook-timestamp']}.".encode() + got.body
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def tell(house: House, receiver: Receiver) -> Received:
    before = len(receiver.received)
    record_event(organization=house.organization, kind="credits.low", data={"é": "ü"})
    assert deliver_due() == 1
    assert len(receiver.received) == before + 1
    return receiver.received[-1]


def test_both_signatures_hold_over_the_raw_body(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    got = tell(bakery, receiver)
    assert got.headers["x-webhook-signature"] == documented(SECRET, got)
    assert "x-webhook-signature-previous" not in got.headers
    assert got.headers["x-webhook-event"] == "credits.low"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Acme/1.0"
    payload = Webhook(SECRET).verify(got.body, dict(got.headers))
    assert payload["message"]["type"] == "credits.low"


def test_a_secret_of_the_customers_own_words_signs_too() -> None:
    body = b'{"message":{}}'
    headers = signed_headers(
        message_id="msg_1",
        kind="test",
        body=body,
        secrets=["not base64!"],
        timestamp=1_700_000_000,
        agent="Acme/1.0",
    )
    digest = hmac.new(b"not base64!", b"1700000000." + body, hashlib.sha256)
    assert headers["X-Webhook-Signature"] == f"sha256={digest.hexdigest()}"
    assert headers["webhook-signature"].startswith("v1,")


def test_while_a_secret_is_replaced_either_is_believed(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    with organization_scope(bakery.organization):
        new = rotate_secret(endpoint=endpoint, actor=None)
    got = tell(bakery, receiver)
    assert got.headers["x-webhook-signature"] == documented(new, got)
    assert got.headers["x-webhook-signature-previous"] == documented(SECRET, got)
    for secret in (new, SECRET):
        assert Webhook(secret).verify(got.body, dict(got.headers))


def test_a_receiver_with_the_old_secret_gets_it_signed_with_that(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    with organization_scope(bakery.organization):
        rotate_secret(endpoint=endpoint, actor=None)
    receiver.replies = [Reply(401), Reply(200)]
    record_event(organization=bakery.organization, kind="credits.low", data={})
    deliver_due()
    again = receiver.received[1]
    assert again.headers["x-webhook-signature"] == documented(SECRET, again)
    (delivery,) = deliveries(bakery)
    assert (delivery.status, delivery.attempts) == ("delivered", 1)


def test_after_the_overlap_only_the_new_one_signs(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later
) -> None:
    with organization_scope(bakery.organization):
        new = rotate_secret(endpoint=endpoint, actor=None)
    later(hours=25)
    got = tell(bakery, receiver)
    assert got.headers["x-webhook-signature"] == documented(new, got)
    assert "x-webhook-signature-previous" not in got.headers


def test_no_secret_is_readable_in_the_database(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    with organization_scope(bakery.organization):
        values = WebhookEndpoint.objects.filter(pk=endpoint.pk).values().get()
    assert SECRET not in json.dumps(values, default=str)
    assert values["secret_hint"] == SECRET[-4:]


@pytest.mark.parametrize(
    ("brand", "agent"),
    [
        ("Acme Voice", "Acme-Voice/1.0"),
        ("Café\r\nX: y", "Caf-X-y/1.0"),
        ("声", "Webhooks/1.0"),
        ("", "Webhooks/1.0"),
    ],
)
def test_the_user_agent_is_the_brand_in_a_headers_letters(
    brand: str, agent: str
) -> None:
    assert user_agent(brand) == agent


def test_secrets_are_long_and_differ() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == 38
