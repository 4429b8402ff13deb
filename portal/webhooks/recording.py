"""Writing down an event for the endpoints that want it: the outbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from portal.models import (
    Organization,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.scope import organization_scope
from portal.webhooks import kinds


def record_event(
    *,
    organization: Organization,
    kind: str,
    data: Mapping[str, Any],
    call_id: UUID | None = None,
    assistant_id: UUID | None = None,
) -> WebhookEvent | None:
    """Tell an organization's endpoints of an event, if the caller's transaction commits.

    `data` becomes the `message` beside its type and time. What an assistant's own
    endpoint wants goes there and nowhere else; `assistant_id` is read from `data` where
    it is not given. Returns `None`, having written nothing, when nobody wants it.
    """
    if not kinds.is_kind(kind):
        raise ValueError(f"{kind!r} is no kind of event.")
    if assistant_id is None:
        assistant_id = (data.get("assistant") or {}).get("id")
    with organization_scope(organization), transaction.atomic():
        endpoints = wanting(organization, kind, assistant_id)
        if not endpoints:
            return None
        return write_event(
            organization=organization,
            kind=kind,
            body=message_body(kind, data, timezone.now()),
            call_id=call_id,
            endpoints=endpoints,
        )


def wanting(
    organization: Organization,
    kind: str,
    assistant_id: UUID | str | None,
    *,
    with_secrets: bool = False,
) -> list[WebhookEndpoint]:
    """Return the endpoints an event goes to, in the organization's scope."""
    enabled = WebhookEndpoint.objects.filter(
        organization=organization, status=WebhookEndpoint.Status.ENABLED
    )
    if not with_secrets:
        enabled = enabled.defer("secret", "previous_secret")
    found = [one for one in enabled if kinds.is_wanted(kind, one.events)]
    own = [
        one
        for one in found
        if one.assistant_id and str(one.assistant_id) == str(assistant_id)
    ]
    return own or [one for one in found if one.assistant_id is None]


def write_event(
    *,
    organization: Organization,
    kind: str,
    body: str,
    call_id: UUID | None,
    endpoints: list[WebhookEndpoint],
    is_test: bool = False,
) -> WebhookEvent:
    """Store an event and a pending delivery for each endpoint; the caller is in scope."""
    owner = {
        "organization_id": organization.pk,
        "agency_id": organization.agency_id,
        "kind": kind,
        "call_id": call_id,
    }
    event = WebhookEvent(**owner, body=body, is_test=is_test)
    WebhookEvent.objects.bulk_create([event])
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(**owner, endpoint=endpoint, event=event)
        for endpoint in endpoints
    )
    return event


def message_body(kind: str, data: Mapping[str, Any], at: datetime) -> str:
    """Return the envelope as the text that is signed and sent."""
    message = {"type": kind, "timestamp": at.isoformat(), **data}
    return json.dumps(
        {"message": message},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        separators=(",", ":"),
    )
