"""How long the delivery log is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from portal.models import WebhookEvent
from portal.scope import all_organizations

KEPT_FOR: Final = timedelta(days=30)
_BATCH: Final = 5_000


def forget_old_events(*, batches: int = 100) -> int:
    """Delete events older than `KEPT_FOR` with their log; return how many. May be cut short."""
    gone = 0
    with all_organizations("the log of every organization is kept as long"):
        for _ in range(batches):
            old = WebhookEvent.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
            ids = list(old.order_by("created_at").values_list("pk", flat=True)[:_BATCH])
            if not ids:
                break
            WebhookEvent.objects.filter(pk__in=ids).delete()
            gone += len(ids)
    return gone
