"""The pages about webhooks: make, try, look, send again, switch off."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.models import WebhookEndpoint
from portal.scope import organization_scope
from portal.webhooks import record_event
from portal.webhooks.delivering import deliver_due
from portal.webhooks.endpoints import disable_endpoint
from tests.fakes.receiver import Receiver, Reply
from tests.webhooks.conftest import SECRET, deliveries, fresh
from tests.world import House, browser


@pytest.fixture
def dora(bakery: House) -> Client:
    return browser(bakery, bakery.people["dora"])


def page(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def test_a_new_endpoints_secret_is_shown_once(
    bakery: House, dora: Client, receiver: Receiver
) -> None:
    answer = dora.post(
        page("webhook_new"),
        {"url": f"{receiver.url}/hook", "events": ["status-update", "credits.*"]},
    )
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    with organization_scope(bakery.organization):
        endpoint = WebhookEndpoint.objects.get()
        secret = endpoint.secret
    assert endpoint.events == ["status-update", "credits.*"]
    assert secret in answer.text
    for name in ("webhook_list", "webhook_new"):
        assert secret not in dora.get(page(name)).text
    assert secret not in dora.get(page("webhook_detail", endpoint.pk)).text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "https://"),
        ("https://169.254.169.254/latest", "public network"),
        ("https://user:pw@example.com/", "user name"),
        ("nonsense", "https://"),
    ],
)
def test_an_address_that_is_no_good_makes_nothing(
    bakery: House, dora: Client, url: str, words: str
) -> None:
    answer = dora.post(page("webhook_new"), {"url": url, "events": ["status-update"]})
    assert answer.status_code == 422
    assert words in answer.text
    with organization_scope(bakery.organization):
        assert not WebhookEndpoint.objects.exists()


def test_a_test_event_shows_what_came_back(
    bakery: House, dora: Client, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.replies = [Reply(503, b"closed for lunch")]
    answer = dora.post(
        page("webhook_test", endpoint.pk), {"kind": "end-of-call-report"}, follow=True
    )
    assert "HTTP 503" in answer.text
    assert "closed for lunch" in answer.text
    assert b'"test":true' in receiver.received[0].body
    assert receiver.received[0].headers["x-webhook-event"] == "end-of-call-report"


def test_what_the_filter_shows_is_sent_again(
    bakery: House, dora: Client, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    for kind in ("credits.low", "lead.completed", "lead.failed"):
        record_event(organization=bakery.organization, kind=kind, data={})
    deliver_due()
    detail = page("webhook_detail", endpoint.pk)
    shown = dora.get(f"{detail}?kind=lead.*").text
    rows = shown[shown.index("<tbody>") : shown.index("</tbody>")]
    assert "lead.failed" in rows
    assert "credits.low" not in rows
    dora.post(page("webhook_replay", endpoint.pk), {"kind": "lead.*"})
    deliver_due()
    again = deliveries(bakery)[3:]
    assert [one.kind for one in again] == ["lead.completed", "lead.failed"]
    assert {one.is_replay for one in again} == {True}
    ids = [got.headers["webhook-id"] for got in receiver.received]
    assert ids[1:3] == ids[3:]


def test_one_delivery_is_sent_again(
    bakery: House, dora: Client, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    record_event(organization=bakery.organization, kind="credits.low", data={})
    deliver_due()
    (delivery,) = deliveries(bakery)
    dora.post(page("webhook_delivery_replay", delivery.pk))
    dora.post(page("webhook_delivery_replay", delivery.pk))
    assert len(deliveries(bakery)) == 3
    deliver_due()
    assert len(receiver.received) == 3


def test_replacing_the_secret_shows_the_new_one(
    bakery: House, dora: Client, endpoint: WebhookEndpoint
) -> None:
    answer = dora.post(page("webhook_rotate", endpoint.pk))
    with organization_scope(bakery.organization):
        new, old = WebhookEndpoint.objects.get().secrets
    assert old == SECRET
    assert new in answer.text
    assert old not in answer.text


def test_an_endpoint_is_switched_off_and_on(
    bakery: House, dora: Client, endpoint: WebhookEndpoint
) -> None:
    dora.post(page("webhook_disable", endpoint.pk))
    assert fresh(endpoint).status == "disabled"
    assert "Switch on" in dora.get(page("webhook_detail", endpoint.pk)).text
    dora.post(page("webhook_enable", endpoint.pk))
    assert fresh(endpoint).status == "enabled"


def test_an_edited_endpoint_goes_where_it_says(
    bakery: House, dora: Client, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    dora.post(
        page("webhook_edit", endpoint.pk),
        {"url": f"{receiver.url}/other", "events": ["lead.*"], "description": "CRM"},
    )
    changed = fresh(endpoint)
    assert (changed.url, changed.events) == (f"{receiver.url}/other", ["lead.*"])


def test_an_assistants_own_endpoint_goes_only_with_its_setting(
    bakery: House, dora: Client, endpoint: WebhookEndpoint
) -> None:
    with organization_scope(bakery.organization):
        WebhookEndpoint.objects.update(assistant_id=bakery.assistant.pk)
    assert dora.post(page("webhook_delete", endpoint.pk)).status_code == 404
    assert fresh(endpoint).pk == endpoint.pk


def test_nothing_is_sent_again_to_an_endpoint_that_is_off(
    bakery: House, dora: Client, endpoint: WebhookEndpoint
) -> None:
    record_event(organization=bakery.organization, kind="credits.low", data={})
    with organization_scope(bakery.organization):
        disable_endpoint(endpoint=endpoint, reason="by-hand", actor=None)
    dora.post(page("webhook_replay", endpoint.pk))
    assert len(deliveries(bakery)) == 1


@pytest.mark.parametrize("count", [1, 20])
def test_the_page_asks_no_more_for_more_rows(
    bakery: House,
    dora: Client,
    endpoint: WebhookEndpoint,
    count: int,
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(count):
        record_event(organization=bakery.organization, kind="credits.low", data={})
    with django_assert_max_num_queries(12):
        dora.get(page("webhook_detail", endpoint.pk))
