"""Sending again what was sent, or given up, before; and an event to try an endpoint with."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.models import Organization, User, WebhookDelivery, WebhookEndpoint
from portal.services import audit
from portal.webhooks import kinds
from portal.webhooks.delivering import deliver_now
from portal.webhooks.recording import message_body, write_event
from portal.webhooks.samples import sample

MAX_REPLAYED: Final = 10_000


class NothingToReplay(Exception):
    """The endpoint is switched off, or the kind is one whose answer a call waited for."""


def replayable() -> QuerySet[WebhookDelivery]:
    """Return what can be sent again: events of the fire-and-forget kinds."""
    return WebhookDelivery.objects.exclude(kind__in=kinds.ANSWERED).filter(
        endpoint__status=WebhookEndpoint.Status.ENABLED
    )


@transaction.atomic
def replay(*, deliveries: QuerySet[WebhookDelivery], actor: User | None) -> int:
    """Queue the events of these deliveries anew, each once an endpoint; return how many.

    The message keeps its id, so that a receiver can tell. What still waits is not
    queued twice.
    """
    chosen = list(
        deliveries.exclude(status=WebhookDelivery.Status.PENDING)
        .order_by("endpoint_id", "event_id", "created_at")
        .distinct("endpoint_id", "event_id")
        .select_related("organization")[:MAX_REPLAYED]
    )
    chosen.sort(key=lambda one: (one.created_at, one.pk))
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            organization_id=one.organization_id,
            agency_id=one.agency_id,
            endpoint_id=one.endpoint_id,
            event_id=one.event_id,
            kind=one.kind,
            call_id=one.call_id,
            is_replay=True,
            next_at=now,
        )
        for one in chosen
    )
    if chosen:
        audit.record(
            organization=chosen[0].organization,
            actor=actor,
            action="webhook.replayed",
            changes={"deliveries": len(chosen)},
        )
    return len(chosen)


def send_test(
    *, endpoint: WebhookEndpoint, kind: str, at: datetime | None = None
) -> WebhookDelivery:
    """Send an invented event of this kind to an endpoint now; return how it went."""
    organization: Organization = endpoint.organization
    data: dict[str, Any] = sample(kind) | {"test": True}
    event = write_event(
        organization=organization,
        kind=kind,
        body=message_body(kind, data, at or timezone.now()),
        call_id=None,
        endpoints=[endpoint],
        is_test=True,
    )
    return deliver_now(event.deliveries.get())
