"""How a campaign does, in numbers: rates, cost, pace, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Avg, Count, Q, Sum
from django.utils import timezone

from calls.models import Call
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.outcomes import Outcome

PACE_WINDOW: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Figures:
    """Numbers of one campaign as of now. Rates are percent, `None` of nothing."""

    attempts: int
    answered: int
    reached: int
    leads_done: int
    cost_microcredits: int
    starts_per_min: float
    mean_call_s: float | None
    left: int
    ends_at: datetime | None

    @property
    def answer_percent(self) -> int | None:
        return percent(self.answered, self.attempts)

    @property
    def conversion_percent(self) -> int | None:
        """People spoken to, of those the campaign is done with."""
        return percent(self.reached, self.leads_done)

    @property
    def cost_per_reached(self) -> int | None:
        return self.cost_microcredits // self.reached if self.reached else None


def percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def figures_of(campaign: Campaign) -> Figures:
    """Count a campaign's numbers, in four queries."""
    now = timezone.now()
    finished = Attempt.objects.filter(
        lead__campaign=campaign, status=Attempt.Status.FINISHED
    )
    spoken = Q(outcome__in=(Outcome.ANSWERED, Outcome.DROPPED, Outcome.VOICEMAIL))
    made = finished.aggregate(
        attempts=Count("pk"),
        answered=Count("pk", filter=spoken),
        cost=Sum("cost_microcredits"),
    )
    recent = Attempt.objects.filter(
        lead__campaign=campaign, dialed_at__gt=now - PACE_WINDOW
    ).count()
    leads = Lead.objects.filter(campaign=campaign).aggregate(
        reached=Count("pk", filter=Q(status=Lead.Status.COMPLETED)),
        done=Count("pk", filter=Q(status__in=_DONE)),
        left=Count("pk", filter=Q(status=Lead.Status.PENDING)),
    )
    calls = Call.objects.filter(
        pk__in=finished.filter(outcome=Outcome.ANSWERED).values("call_id")[:500]
    ).aggregate(mean=Avg("duration_ms"))
    per_min = recent / (PACE_WINDOW.total_seconds() / 60)
    running = campaign.status == Campaign.Status.SCHEDULED
    left_min = leads["left"] / per_min if per_min and running else None
    return Figures(
        attempts=made["attempts"],
        answered=made["answered"],
        reached=leads["reached"],
        leads_done=leads["done"],
        cost_microcredits=made["cost"] or 0,
        starts_per_min=round(per_min, 1),
        mean_call_s=round(calls["mean"] / 1000, 1) if calls["mean"] else None,
        left=leads["left"],
        ends_at=now + timedelta(minutes=left_min) if left_min else None,
    )


_DONE: Final = (Lead.Status.COMPLETED, Lead.Status.FAILED, Lead.Status.SKIPPED)


def reasons_not_called(campaign: Campaign) -> list[dict[str, Any]]:
    """Count skipped leads by reason, and leads held now by what holds them."""
    skipped = (
        Lead.objects.filter(campaign=campaign, status=Lead.Status.SKIPPED)
        .exclude(skip_reason="")
        .order_by("skip_reason")
        .values_list("skip_reason")
        .annotate(count=Count("pk"))
    )
    labels = {str(reason.value): str(reason.label) for reason in Lead.SkipReason}
    rows = [{"label": labels.get(r, r), "value": n} for r, n in skipped]
    return sorted(rows, key=lambda row: -int(row["value"]))


def held_now(campaign: Campaign) -> dict[str, int]:
    """Count the leads that were held until a time still to come, by reason."""
    return dict(
        Decision.objects.filter(
            campaign=campaign,
            answer=Decision.Answer.HELD,
            held_until__gt=timezone.now(),
        )
        .order_by("reason")
        .values_list("reason")
        .annotate(count=Count("lead", distinct=True))
    )


def failures_by_reason(campaign: Campaign) -> list[dict[str, Any]]:
    """Count failed attempts by how their calls ended, the most frequent first."""
    failed = Attempt.objects.filter(
        lead__campaign=campaign, outcome=Outcome.FAILED
    ).values("call_id")
    found = (
        Call.objects.filter(pk__in=failed)
        .order_by("end_reason")
        .values_list("end_reason", "error")
        .annotate(count=Count("pk"))
    )
    rows = [{"reason": r, "error": error, "count": n} for r, error, n in found]
    return sorted(rows, key=lambda row: -int(row["count"]))[:10]
