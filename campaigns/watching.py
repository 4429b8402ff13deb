"""The numbers of a live page, counted as often as the database can well afford.

Counting a campaign of a million leads takes a second; many people may watch it. What
took long is kept for ten times as long as it took, so that watching never costs more
than a tenth of one connection, however many look.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncMinute
from django.utils import timezone

from assistants.analysis_plan import DISPOSITION
from calls.models import CallAnalysis
from campaigns.chance import Comparison
from campaigns.comparing import Goal, comparison_of, main_goal
from campaigns.figures import (
    Figures,
    failures_by_reason,
    figures_of,
    held_now,
    reasons_not_called,
)
from campaigns.models import Attempt, Campaign
from campaigns.queries import Progress, progress_of
from campaigns.sleeping import Sleeping, sleeping_of

SHOWN_FACTS: Final = 4  # of an analysis, beside its disposition
PACE_MINUTES: Final = 30
_WORTH_KEEPING_S: Final = 0.2
_MANY: Final = 5_000  # below, a slow machine is no reason to show old numbers
_KEPT_FOR: Final = 10
_MOST_S: Final = 60


@dataclass(frozen=True)
class Numbers:
    """All that is counted of a campaign; `pace` is the calls of each minute lately."""

    progress: Progress
    figures: Figures
    reasons: list[dict[str, Any]]
    held: dict[str, int]
    failures: list[dict[str, Any]]
    goal: Goal | None  # what its two assistants are compared by
    comparison: Comparison | None
    sleeping: Sleeping
    pace: list[int]


def numbers_of(campaign: Campaign) -> Numbers:
    """Return a campaign's numbers, at most a minute old; of a small one as of now."""
    key = f"campaign-numbers:{campaign.pk}:{campaign.status}"
    kept: Numbers | None = cache.get(key)
    if kept is not None:
        return kept
    started = time.perf_counter()
    progress = progress_of(campaign)
    goal = main_goal(campaign) if campaign.variant_assistant_id else None
    found = Numbers(
        progress,
        figures_of(campaign),
        reasons_not_called(campaign),
        held_now(campaign),
        failures_by_reason(campaign),
        goal,
        comparison_of(campaign, goal),
        # While somebody is being called nobody wonders why nobody is.
        Sleeping() if progress.calling else sleeping_of(campaign, timezone.now()),
        pace_of(campaign),
    )
    took_s = time.perf_counter() - started
    if took_s > _WORTH_KEEPING_S and found.progress.total >= _MANY:
        cache.set(key, found, min(_MOST_S, round(took_s * _KEPT_FOR)))
    return found


def pace_of(campaign: Campaign) -> list[int]:
    """Count the calls of each of the last minutes, oldest first; `[]` of none."""
    last = timezone.now().replace(second=0, microsecond=0)
    first = last - timedelta(minutes=PACE_MINUTES - 1)
    rows = dict(
        Attempt.objects.filter(lead__campaign=campaign, dialed_at__gte=first)
        .order_by()
        .annotate(minute=TruncMinute("dialed_at"))
        .values_list("minute")
        .annotate(count=Count("pk"))
    )
    minutes = (first + timedelta(minutes=n) for n in range(PACE_MINUTES))
    return [rows.get(minute, 0) for minute in minutes] if rows else []


def facts_of(campaign: Campaign) -> list[str]:
    """Return the facts its assistants' analyses look for, as columns of its people."""
    names: dict[str, None] = {}
    for assistant in (campaign.assistant, campaign.variant_assistant):
        version = assistant.current_version if assistant else None
        plan = version.spec.analysis_plan if version else None
        wanted = plan.structured_data_plan if plan else None
        if wanted is not None and wanted.enabled:
            names |= dict.fromkeys(wanted.json_schema.get("properties", {}))
    return [name for name in names if name != DISPOSITION][:SHOWN_FACTS]


def findings_of(call_ids: list[UUID]) -> dict[UUID, CallAnalysis]:
    """Return what was found out about these calls; sealed texts open as they are read."""
    rows = CallAnalysis.objects.filter(call__in=call_ids)
    return {row.call_id: row for row in rows}
