"""Who else would start calls on a trunk now, of whatever organization.

A campaign that cannot start any counts for nothing, so that a full organization keeps
nobody else's calls back. One that waits for its first moment counts as any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from calls.models import Call
from calls.services.pace import Line
from campaigns import pacing
from campaigns.models import Attempt, CallingLimits, Campaign, CampaignNumber
from portal.models import Organization


@dataclass(frozen=True)
class Rival:
    """A campaign, its weight with its organization's, and how many calls it could start."""

    campaign_id: UUID
    weight: int
    wanted: int


def rivals_on(line: Line, campaign: Campaign, now: datetime) -> list[Rival]:
    """Return the other campaigns with somebody to call over a trunk. Needs every scope.

    A fixed number of queries, however many there are.
    """
    others = list(
        Campaign.objects.running()
        .filter(_calls_over(line))
        .filter(Q(idle_until__isnull=True) | Q(idle_until__lt=now))
        .exclude(pk=campaign.pk)
        .with_due_leads(now)
        .select_related("organization")
        .only("weight", "max_concurrent_calls", "organization")
        .order_by()
    )
    if not others:
        return []
    owners = {other.organization_id: other.organization for other in others}
    limits = {
        row.organization_id: row
        for row in CallingLimits.objects.filter(organization__in=owners)
    }
    open_calls = _open_calls(owners)
    free = _free_places(owners.values(), limits, open_calls)
    found = []
    for other in others:
        row = limits.get(other.organization_id)
        own = other.max_concurrent_calls - open_calls.get(other.pk, 0)
        wanted = max(0, min(own, free[other.organization_id]))
        found.append(Rival(other.pk, other.weight * (row.weight if row else 1), wanted))
    return found


def _calls_over(line: Line) -> Q:
    over = Q(number__trunk=line.trunk_id)
    if line.trunk_id is None:
        over = Q(number__trunk__isnull=True, number__carrier=line.trunk)
    pools = CampaignNumber.objects.filter(over).order_by().values("campaign")
    return over | Q(pk__in=pools)


def _open_calls(owners: Iterable[UUID]) -> dict[UUID, int]:
    """Count open attempts by campaign, and by organization under its own id."""
    found: dict[UUID, int] = {}
    rows = (
        Attempt.objects.open()
        .filter(organization__in=owners)
        .order_by()
        .values_list("organization", "lead__campaign")
        .annotate(count=Count("pk"))
    )
    for owner, campaign, count in rows:
        found[campaign] = count
        found[owner] = found.get(owner, 0) + count
    return found


def _free_places(
    owners: Iterable[Organization],
    limits: dict[UUID, CallingLimits],
    open_calls: dict[UUID, int],
) -> dict[UUID, int]:
    live = dict(
        Call.objects.live()
        .filter(organization__in=[owner.pk for owner in owners])
        .order_by()
        .values_list("organization")
        .annotate(count=Count("pk"))
    )
    found = {}
    for owner in owners:
        row = limits.get(owner.pk) or CallingLimits()
        by_campaigns = open_calls.get(owner.pk, 0)
        found[owner.pk] = pacing.Limit(
            owner.max_concurrent_calls,
            in_use=max(live.get(owner.pk, 0), by_campaigns),
            by_campaigns=by_campaigns,
            reserved_percent=row.reserved_percent,
        ).free
    return found
