"""What campaigns hear from below. A receiver only enqueues."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from billing.signals import credits_arrived
from calls.signals import call_analysed, call_ended, wish_recorded
from campaigns import tasks


@receiver(call_ended, dispatch_uid="campaigns.finish_attempt")
def enqueue_finish_attempt(
    sender: object, *, call_id: UUID, organization_id: UUID, **kwargs: Any
) -> None:
    """Have the end of a call reported to its lead; the sweeper finds a lost message."""
    tasks.finish_attempt.delay(
        call_id=str(call_id), organization_id=str(organization_id)
    )


@receiver(credits_arrived, dispatch_uid="campaigns.resume_campaigns")
def enqueue_resume(sender: object, *, organization_id: UUID, **kwargs: Any) -> None:
    """Go on with what stopped for want of credits; the tick finds a lost message."""
    tasks.resume_campaigns.delay(str(organization_id))


@receiver(wish_recorded, dispatch_uid="campaigns.apply_wishes")
def enqueue_apply_wishes(
    sender: object, *, call_id: UUID, organization_id: UUID, **kwargs: Any
) -> None:
    """Have what a person asked for acted on; the sweeper finds a lost message."""
    tasks.apply_wishes.delay(call_id=str(call_id), organization_id=str(organization_id))


@receiver(call_analysed, dispatch_uid="campaigns.apply_disposition")
def enqueue_apply_disposition(
    sender: object, *, call_id: UUID, organization_id: UUID, **kwargs: Any
) -> None:
    """Have the result of a call followed; the sweeper finds a lost message."""
    tasks.apply_disposition.delay(
        call_id=str(call_id), organization_id=str(organization_id)
    )
