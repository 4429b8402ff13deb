"""What the API and webhooks tell of transfers: each try, how it went and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calls.models import Transfer


def transfer_messages(tries: Iterable[Transfer]) -> list[dict[str, Any]]:
    """Return each try to hand a caller on, in the order they were asked for.

    `reason` is one of those of docs/call-outcomes.md and null where it went well. What
    the person was told of the caller is not among them: it is what was said, and stays
    with the page of the call.
    """
    return [
        {
            "id": one.pk,
            "kind": one.kind,
            "destination": one.destination,
            "asked_by": one.asked_by,
            "method": one.method or None,
            "status": one.status,
            "reason": one.reason or None,
            "detail": one.detail or None,
            "asked_at": one.asked_at,
            "answered_at": one.answered_at,
            "bridged_at": one.bridged_at,
            "ended_at": one.ended_at,
        }
        for one in tries
    ]
