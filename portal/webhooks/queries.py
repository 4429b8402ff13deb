"""Finding endpoints and deliveries: the lists with their filters, and one of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from portal.models import WebhookDelivery, WebhookEndpoint


def visible_endpoints() -> QuerySet[WebhookEndpoint]:
    """Return the scope's endpoints, oldest first; their secrets stay sealed."""
    return WebhookEndpoint.objects.select_related("organization").defer(
        "secret", "previous_secret"
    )


def get_endpoint(endpoint_id: UUID) -> WebhookEndpoint:
    """Return one; absent and another organization's are the same 404."""
    endpoint = visible_endpoints().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise Http404("No such webhook endpoint.")
    return endpoint


def visible_deliveries() -> QuerySet[WebhookDelivery]:
    """Return the scope's deliveries, newest first, without what was said."""
    return WebhookDelivery.objects.select_related("endpoint", "event").defer(
        "event__body", "endpoint__secret", "endpoint__previous_secret"
    )


def get_delivery(delivery_id: UUID) -> WebhookDelivery:
    """Return one with its body and tries; absent and another's are the same 404."""
    delivery = (
        WebhookDelivery.objects.select_related("endpoint", "event", "organization")
        .defer("endpoint__secret", "endpoint__previous_secret")
        .prefetch_related("tries")
        .filter(pk=delivery_id)
        .first()
    )
    if delivery is None:
        raise Http404("No such delivery.")
    return delivery


def filter_deliveries(
    deliveries: QuerySet[WebhookDelivery],
    *,
    endpoint_id: UUID | None = None,
    kind: str = "",
    status: str = "",
    call_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[WebhookDelivery]:
    """Narrow a list; an empty value narrows nothing, a family such as `lead.*` its kinds."""
    wanted: dict[str, Any] = {
        "endpoint_id": endpoint_id,
        "status": status or None,
        "call_id": call_id,
        "created_at__gte": since,
        "created_at__lt": until,
    }
    if kind.endswith(".*"):
        wanted["kind__startswith"] = kind[:-1]
    elif kind:
        wanted["kind"] = kind
    return deliveries.filter(**{k: v for k, v in wanted.items() if v is not None})
