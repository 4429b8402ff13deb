"""Writing down an event for the endpoints that want it: the outbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from common.ids import uuid7
from portal.features import Feature, is_on
from portal.models import (
    Organization,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.postgresql.prepared import prepared_cursor
from portal.scope import organization_scope
from portal.sealed import ToSeal
from portal.webhooks import kinds

# One statement, planned once a connection: who wants it, the event, and a delivery for
# each. An assistant's own endpoint that wants it is the only one told, and nobody is
# where webhooks are switched off. Ids begin with the event's time, so that the index of
# deliveries grows at its end.
_RECORD: Final = """
with wanted as (
  select id, assistant_id from portal_webhookendpoint
  where organization_id = %(organization)s and status = 'enabled'
    and events && %(names)s::varchar[]
    and not exists (
      select 1 from portal_organization house
      where house.id in (%(organization)s, %(agency)s)
        and house.features_off @> '["webhooks"]'::jsonb
    )
),
told as (
  select id from wanted
  where assistant_id = %(assistant)s::uuid
    or (assistant_id is null
      and not exists (select 1 from wanted own where own.assistant_id = %(assistant)s::uuid))
),
event as (
  insert into portal_webhookevent
    (id, organization_id, agency_id, kind, call_id, body, is_test, created_at)
  select %(event)s, %(organization)s, %(agency)s, %(kind)s, %(call)s::uuid, %(body)s, false, %(now)s
  where exists (select 1 from told)
  returning id
)
insert into portal_webhookdelivery
  (id, organization_id, agency_id, endpoint_id, event_id, kind, call_id, status,
   attempts, is_replay, created_at, next_at, error)
select
  overlay(gen_random_uuid()::text placing left(event.id::text, 15) from 1)::uuid,
  %(organization)s, %(agency)s, told.id, event.id, %(kind)s, %(call)s::uuid, 'pending',
  0, false, %(now)s, %(now)s, ''
from told, event
"""


def record_event(
    *,
    organization: Organization,
    kind: str,
    data: Mapping[str, Any],
    call_id: UUID | None = None,
    assistant_id: UUID | None = None,
    is_sealed: bool = False,
) -> UUID | None:
    """Tell an organization's endpoints of an event, if the caller's transaction commits.

    `data` becomes the `message` beside its type and time. What an assistant's own
    endpoint wants goes there and nowhere else; `assistant_id` is read from `data` where
    it is not given. With `is_sealed` the body is kept sealed until it is sent. Returns
    the event's id, or `None`, having written nothing, when nobody wants it. One
    statement, whatever the number of endpoints.
    """
    if not kinds.is_kind(kind):
        raise ValueError(f"{kind!r} is no kind of event.")
    if assistant_id is None:
        assistant_id = (data.get("assistant") or {}).get("id")
    now, event_id = timezone.now(), uuid7()
    body = message_body(kind, data, now)
    values = {
        "organization": organization.pk,
        "agency": organization.agency_id,
        "assistant": str(assistant_id) if assistant_id else None,
        "names": kinds.names_of(kind),
        "event": event_id,
        "kind": kind,
        "call": call_id,
        "body": _sealed(body, organization) if is_sealed else body,
        "now": now,
    }
    with organization_scope(organization), prepared_cursor() as cursor:
        told = cursor.execute(_RECORD, values).rowcount
    return event_id if told else None


def _sealed(body: str, organization: Organization) -> str:
    """Return a body as the table holds it sealed."""
    row = WebhookEvent(organization_id=organization.pk, body=ToSeal(body))
    field = WebhookEvent._meta.get_field("body")
    return str(field.get_prep_value(field.pre_save(row, add=True)))


def wanting(
    organization: Organization, kind: str, assistant_id: UUID | str | None
) -> list[WebhookEndpoint]:
    """Return the endpoints a question goes to, in the organization's scope."""
    if not is_on(organization, Feature.WEBHOOKS):
        return []
    enabled = WebhookEndpoint.objects.filter(
        organization=organization, status=WebhookEndpoint.Status.ENABLED
    )
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
