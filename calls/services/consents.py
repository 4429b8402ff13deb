"""Keeping what a caller answered when asked whether they may be recorded."""

from __future__ import annotations

from datetime import datetime

from calls.models import RecordingConsent
from calls.services.running import CallOrder
from portal.scope import scoped


def record_consent(
    *,
    order: CallOrder,
    question: str,
    language: str,
    asked_count: int,
    asked_at: datetime,
    answer: str,
    way: str,
    heard: str,
    answered_at: datetime,
) -> None:
    """Keep the answer of a call as proof, once; a second answer changes nothing."""
    row = RecordingConsent(
        organization_id=order.organization_id,
        agency_id=order.agency_id,
        call_id=order.call_id,
        question=question,
        language=language,
        asked_count=asked_count,
        asked_at=asked_at,
        answer=answer,
        way=way,
        heard=heard,
        answered_at=answered_at,
    )
    row.digest = row.computed_digest()
    with scoped(order.scope):
        RecordingConsent.objects.bulk_create([row], ignore_conflicts=True)
