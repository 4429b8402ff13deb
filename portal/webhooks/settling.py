"""What a try means for its delivery and for its endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from portal.sealed import ToSeal
from portal.webhooks import alerts
from portal.webhooks.backoff import (
    DISABLE_AFTER,
    GIVE_UP_AFTER,
    TRIPS_AFTER,
    pause_after,
    wait_after,
)
from portal.webhooks.endpoints import disable_endpoint
from portal.webhooks.sending import Sending

SHOWN_CHARACTERS: Final = 4_000
GONE: Final = 410
_NOTED_EVERY: Final = timedelta(minutes=1)


@transaction.atomic
def settle(sending: Sending, *, is_final: bool = False) -> None:
    """Write down one try; deliver, wait, or give up, in one transaction.

    A final try is not repeated, however it went.
    """
    now = timezone.now()
    delivery = sending.delivery
    answer = sending.answer
    attempts = delivery.attempts + 1
    keep_attempt(sending, number=attempts, at=now)
    outcome: dict[str, Any] = {
        "attempts": attempts,
        "status_code": answer.status if answer else None,
        "elapsed_ms": answer.elapsed_ms if answer else None,
        "error": sending.error,
    }
    if sending.is_success:
        _note_success(delivery.endpoint, now)
        outcome |= {"status": WebhookDelivery.Status.DELIVERED, "finished_at": now}
    else:
        is_gone = answer is not None and answer.status == GONE
        pause = _note_failure(delivery.endpoint, now, sending.error, is_gone=is_gone)
        next_at = now + (pause or wait_after(attempts))
        is_final = is_final or is_gone
        if is_final or next_at > delivery.created_at + GIVE_UP_AFTER:
            outcome |= {"status": WebhookDelivery.Status.FAILED, "finished_at": now}
        else:
            outcome |= {"next_at": next_at}
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**outcome)


def keep_attempt(sending: Sending, *, number: int, at: datetime) -> None:
    """Keep request and answer for the delivery log; signatures are no secret."""
    answer = sending.answer
    text = shown(answer.body) if answer else ""
    WebhookAttempt.objects.create(
        organization_id=sending.delivery.organization_id,
        agency_id=sending.delivery.agency_id,
        delivery=sending.delivery,
        number=number,
        at=at,
        elapsed_ms=answer.elapsed_ms if answer else 0,
        request_headers=sending.headers,
        status_code=answer.status if answer else None,
        response_headers=dict(answer.headers) if answer else {},
        response_body=ToSeal(text) if sending.delivery.event.is_sealed else text,
        error=sending.error,
    )


def shown(body: bytes) -> str:
    """Return the start of an answer as text that the database can hold."""
    text = body[: SHOWN_CHARACTERS * 4].decode(errors="replace").replace("\0", "")
    return text[:SHOWN_CHARACTERS]


def _note_success(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Close the breaker. A healthy endpoint's row is written once a minute at most."""
    last = endpoint.last_success_at
    if not endpoint.failures_in_row and last and now - last < _NOTED_EVERY:
        return
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failures_in_row=0, failing_since=None, paused_until=None, last_success_at=now
    )


def _note_failure(
    endpoint: WebhookEndpoint, now: datetime, problem: str, *, is_gone: bool
) -> timedelta | None:
    """Count a failure; open the breaker or switch off. Return the pause, if there is one."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    rows.update(
        failures_in_row=F("failures_in_row") + 1,
        failing_since=Coalesce("failing_since", now),
        last_failure_at=now,
    )
    current = rows.select_related("organization").get()
    assert current.failing_since is not None
    if is_gone or (
        current.failures_in_row >= TRIPS_AFTER
        and now - current.failing_since >= DISABLE_AFTER
    ):
        reasons = WebhookEndpoint.Reason
        reason = reasons.GONE if is_gone else reasons.FAILING
        if disable_endpoint(endpoint=current, reason=reason, actor=None):
            current.disabled_reason = reason
            alerts.tell_of_disabling(current, problem)
        return None
    pause = pause_after(current.failures_in_row)
    if pause is not None:
        rows.update(paused_until=now + pause)
        if current.failures_in_row == TRIPS_AFTER:
            alerts.tell_of_failing(current, problem)
    return pause
