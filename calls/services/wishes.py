"""Writing down what a person asks for in a call; others act on it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from calls.models import CallWish
from calls.services.running import CallOrder
from calls.signals import wish_recorded
from portal.scope import scoped


def record_wish(
    *,
    order: CallOrder,
    kind: CallWish.Kind,
    way: CallWish.Way,
    call_back_at: datetime | None = None,
) -> None:
    """Store a wish and, once it is committed, tell whoever acts on it."""
    with scoped(order.scope), transaction.atomic():
        CallWish.objects.create(
            organization_id=order.organization_id,
            agency_id=order.agency_id,
            call_id=order.call_id,
            kind=kind,
            way=way,
            call_back_at=call_back_at,
        )
        transaction.on_commit(
            lambda: wish_recorded.send_robust(
                sender=CallWish,
                call_id=order.call_id,
                organization_id=order.organization_id,
            ),
            robust=True,
        )
