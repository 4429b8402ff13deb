"""An endpoint of Bakery at a customer's server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from portal.models import WebhookDelivery, WebhookEndpoint
from portal.scope import organization_scope
from portal.webhooks.delivering import deliver_due
from portal.webhooks.endpoints import create_endpoint
from tests.fakes.receiver import Receiver, receiving
from tests.world import House

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def endpoint(bakery: House, receiver: Receiver) -> WebhookEndpoint:
    return make_endpoint(bakery, receiver)


def make_endpoint(
    house: House, receiver: Receiver, path: str = "/hook", **values: Any
) -> WebhookEndpoint:
    with organization_scope(house.organization):
        endpoint, _secret = create_endpoint(
            organization=house.organization,
            url=receiver.url + path,
            events=values.pop("events", ["*"]),
            secret=SECRET,
            actor=None,
            **values,
        )
    return endpoint


@pytest.fixture
def later() -> Iterator[Callable[..., None]]:
    """Move the time forward and send what is due then."""
    with time_machine.travel(timezone.now(), tick=True) as traveller:

        def go(**by: float) -> None:
            traveller.shift(timedelta(**by))
            deliver_due()

        yield go


def deliveries(house: House) -> list[WebhookDelivery]:
    with organization_scope(house.organization):
        return list(
            WebhookDelivery.objects.select_related("event").order_by("created_at")
        )


def fresh(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    with organization_scope(endpoint.organization):
        return WebhookEndpoint.objects.get(pk=endpoint.pk)
