"""Trunks as the dialer sees them: how many calls campaigns may add on one."""

from __future__ import annotations

from django.db.models import Q

from calls.models import Call
from calls.services.pace import Line
from campaigns import pacing
from campaigns.models import Attempt
from portal.scope import all_organizations


def calls_on(line: Line) -> pacing.Limit | None:
    """Return the places of a trunk, or `None` when it has no limit."""
    if line.max_calls is None:
        return None
    with all_organizations("organizations share a carrier's trunk"):
        by_campaigns = Attempt.objects.open().filter(trunk=line.trunk).count()
        others = 0
        if line.trunk_id is not None:
            placed = Attempt.objects.filter(
                trunk=line.trunk, status=Attempt.Status.PLACED
            )
            others = (
                Call.objects.live()
                .filter(Q(trunk=line.trunk_id) | Q(number__trunk=line.trunk_id))
                .exclude(pk__in=placed.values("call_id"))
                .count()
            )
    return pacing.Limit(
        line.max_calls, by_campaigns + others, by_campaigns, line.reserved_percent
    )
