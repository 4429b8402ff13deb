"""Under a rule about regions, events go to declared hosts and to nobody else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from portal.models import WebhookEndpoint
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from portal.webhooks import record_event
from portal.webhooks.asking import listener_for
from portal.webhooks.delivering import deliver_due, deliver_now
from portal.webhooks.endpoints import change_endpoint, create_endpoint
from portal.webhooks.region import HostNotDeclared
from tests.fakes.receiver import Receiver
from tests.webhooks.conftest import deliveries, fresh
from tests.world import House, browser


def choose(house: House, **choices: Any) -> None:
    with organization_scope(house.organization):
        save_privacy(organization=house.organization, actor=None, **choices)


def tell(house: House) -> None:
    record_event(
        organization=house.organization,
        kind="end-of-call-report",
        data={"summary": "my knee"},
        call_id=uuid4(),
    )


def test_nothing_leaves_to_a_host_that_nobody_declared(
    acme: House, bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    tell(bakery)
    choose(acme, regions="eu")  # the agency's rule holds for its clients
    deliver_due()
    (delivery,) = deliveries(bakery)
    assert receiver.received == []
    assert (delivery.status, delivery.attempts) == ("failed", 1)
    assert "declare" in delivery.error
    with organization_scope(bakery.organization):
        assert deliver_now(delivery).status == "failed"
        assert receiver.received == []
        assert listener_for(organization=bakery.organization, kind="tool-calls") is None


def test_a_declared_host_is_told(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: Any
) -> None:
    choose(bakery, regions="eu", trusted_hosts=["crm.example.com"])
    monkeypatch.setattr("portal.webhooks.region.host_of", lambda url: "crm.example.com")
    tell(bakery)
    deliver_due()
    (delivery,) = deliveries(bakery)
    assert delivery.status == "delivered"
    assert len(receiver.received) == 1


def test_no_endpoint_is_made_or_moved_there(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    choose(bakery, regions="own", trusted_hosts=["crm.example.com"])
    before = fresh(endpoint).url
    with organization_scope(bakery.organization):
        with pytest.raises(HostNotDeclared):
            create_endpoint(
                organization=bakery.organization,
                url="https://elsewhere.example/hook",
                events=["*"],
                actor=None,
            )
        with pytest.raises(HostNotDeclared):
            change_endpoint(
                endpoint=fresh(endpoint),
                changes={"url": "https://elsewhere.example/hook"},
                actor=None,
            )
        change_endpoint(
            endpoint=fresh(endpoint),
            changes={"url": before, "description": "CRM"},
            actor=None,
        )
        create_endpoint(
            organization=bakery.organization,
            url="https://CRM.example.com/hook",
            events=["*"],
            actor=None,
        )
        assert WebhookEndpoint.objects.count() == 2
    assert fresh(endpoint).url == before


def test_the_page_says_so_beside_the_field(
    bakery: House, endpoint: WebhookEndpoint
) -> None:
    choose(bakery, regions="eu")
    client = browser(bakery, bakery.people["dora"])
    sent = {"url": "https://elsewhere.example/x", "events": ["status-update"]}
    for page in (
        reverse("webhook_new"),
        reverse("webhook_edit", args=[endpoint.pk]),
    ):
        answer = client.post(page, sent)
        assert answer.status_code == 422
        assert "declare" in str(answer.context["form"].errors["url"])
