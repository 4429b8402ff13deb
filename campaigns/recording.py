"""Writing down why a person was called or not, in the transaction that decided it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from campaigns.checks import Check, checked
from campaigns.models import Attempt, Decision, Lead
from campaigns.schedule import Place

Answer = Decision.Answer


def decision(
    lead: Lead,
    *,
    answer: Decision.Answer,
    reason: str,
    place: Place | None,
    checks: Sequence[Check],
    rules_version: str,
    now: datetime,
    held_until: datetime | None = None,
    call_id: UUID | None = None,
) -> Decision:
    """Return a record that is not stored yet."""
    return Decision(
        organization_id=lead.organization_id,
        agency_id=lead.agency_id,
        campaign_id=lead.campaign_id,
        lead=lead,
        call_id=call_id,
        answer=answer,
        reason=reason,
        held_until=held_until,
        rules_version=rules_version,
        zone=", ".join(place.zones)[:64] if place else "",
        zone_source=place.zone_source if place else "",
        local_time=place.local_times(now)[:20] if place else "",
        checks=list(checks),
        created_at=now,
        last_at=now,
    )


def dial_record(
    attempt: Attempt, *, checks: Sequence[Check], now: datetime
) -> Decision:
    """Return the record of a call, with what was checked at the claim and since."""
    claimed = dict(attempt.decided)
    return Decision(
        organization_id=attempt.organization_id,
        agency_id=attempt.agency_id,
        campaign_id=attempt.lead.campaign_id,
        lead_id=attempt.lead_id,
        call_id=attempt.call_id,
        answer=Answer.DIALED,
        rules_version=claimed.get("rules", ""),
        zone=claimed.get("zone", ""),
        zone_source=claimed.get("source", ""),
        local_time=claimed.get("local", ""),
        checks=[*claimed.get("checks", []), *checks],
        created_at=now,
        last_at=now,
    )


def record_again(lead: Lead, *, reason: str, said: str, now: datetime) -> None:
    """Store that a lead waits for something that comes and goes, such as a free line.

    The same answer as the last one is counted there.
    """
    latest = Decision.objects.filter(lead=lead).order_by("-last_at", "-pk").first()
    if latest is not None and latest.answer == Answer.HELD and latest.reason == reason:
        Decision.objects.filter(pk=latest.pk).update(times=F("times") + 1, last_at=now)
        return
    decision(
        lead,
        answer=Answer.HELD,
        reason=reason,
        place=None,
        checks=[checked(reason, False, said=said)],
        rules_version="",
        now=now,
    ).save()
