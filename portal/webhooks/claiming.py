"""Choosing what is sent next, so that any number of workers may do it at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from portal.models import WebhookDelivery
from portal.webhooks.backoff import TRIPS_AFTER

# One that is being sent is due again after this: its worker must have died.
LEASE: Final = timedelta(seconds=60)
PER_ENDPOINT: Final = 10

# Endpoint by endpoint, so that one with a long queue does not hide the others. Of a
# call, only its oldest delivery may go; of an endpoint that failed, only a probe.
_DUE: Final = """
select due.id
from portal_webhookendpoint endpoint
cross join lateral (
  select delivery.id, delivery.next_at
  from portal_webhookdelivery delivery
  where delivery.endpoint_id = endpoint.id
    and delivery.status = 'pending'
    and delivery.next_at <= %(now)s
    and not exists (
      select 1 from portal_webhookdelivery earlier
      where earlier.endpoint_id = delivery.endpoint_id
        and earlier.call_id = delivery.call_id
        and earlier.status = 'pending'
        and (earlier.created_at, earlier.id) < (delivery.created_at, delivery.id)
    )
    and (
      endpoint.failures_in_row < %(trips_after)s
      or not exists (
        select 1 from portal_webhookdelivery probe
        where probe.endpoint_id = delivery.endpoint_id
          and probe.status = 'pending'
          and probe.next_at > %(now)s
          and probe.next_at <= %(lease)s
      )
    )
  order by delivery.next_at, delivery.id
  limit case when endpoint.failures_in_row < %(trips_after)s then %(per_endpoint)s else 1 end
) due
where endpoint.status = 'enabled'
  and (endpoint.paused_until is null or endpoint.paused_until <= %(now)s)
order by due.next_at
limit %(limit)s
"""


def claim_due(limit: int) -> list[WebhookDelivery]:
    """Return at most `limit` deliveries that are ours to send for the time of `LEASE`.

    Runs in the scope of every organization. Rows another worker is claiming are left.
    """
    now = timezone.now()
    values: dict[str, datetime | int] = {
        "now": now,
        "lease": now + LEASE,
        "trips_after": TRIPS_AFTER,
        "per_endpoint": PER_ENDPOINT,
        "limit": limit,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, values)
            due = [row[0] for row in cursor.fetchall()]
        mine = list(
            WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk__in=due, status="pending", next_at__lte=now)
            .values_list("pk", flat=True)
        )
        WebhookDelivery.objects.filter(pk__in=mine).update(next_at=now + LEASE)
    return with_event(mine)


def with_event(ids: list[UUID]) -> list[WebhookDelivery]:
    """Return these deliveries with event and endpoint, oldest first."""
    return list(
        WebhookDelivery.objects.filter(pk__in=ids)
        .select_related("event", "endpoint", "agency__portal")
        .order_by("created_at", "pk")
    )
