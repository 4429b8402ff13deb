"""How a campaign does, in numbers: rates, cost, pace, what is left, and comparisons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Avg, Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from calls.models import Call
from campaigns.models import Attempt, Campaign, Decision, Lead
from campaigns.outcomes import Outcome
from common.local_numbers import local_number

PACE_WINDOW: Final = timedelta(minutes=5)
_CERTAIN: Final = 0.05
_ENOUGH: Final = 5  # expected in each cell, below which a test of shares says nothing


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


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: people the campaign is done with, and those reached."""

    name: str
    done: int
    reached: int

    @property
    def percent(self) -> float:
        return 100 * self.reached / self.done if self.done else 0.0

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies with 95 % confidence, in percent.

        E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", Journal of the American Statistical Association 22 (1927), 209-212:
        unlike the textbook's interval it holds for few people and for shares near 0.
        """
        if not self.done:
            return 0.0, 100.0
        z, n, p = 1.96, self.done, self.reached / self.done
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


@dataclass(frozen=True)
class Comparison:
    """Two sides, and how likely their difference is chance alone.

    `p_value` is of the two-sided test of two shares; `None` while there are too few
    people for it to say anything. Looking again and again makes chance look like a
    difference: the text says so.
    """

    first: Arm
    second: Arm
    p_value: float | None

    @property
    def arms(self) -> tuple[Arm, Arm]:
        return self.first, self.second

    @property
    def is_significant(self) -> bool:
        return self.p_value is not None and self.p_value < _CERTAIN

    @property
    def text(self) -> str:
        """What may be said of the difference, and what may not."""
        if self.p_value is None:
            return _("Too few people are done to tell a difference from chance.")
        values = {"p": local_number(f"{100 * self.p_value:.1f}")}
        if self.is_significant:
            return (
                _(
                    "Chance alone would show a difference this large in %(p)s %% of "
                    "such comparisons. Decide when the campaign has ended: looking "
                    "again and again makes chance look like a difference."
                )
                % values
            )
        return (
            _(
                "No difference is shown: chance alone gives one this large in %(p)s %% "
                "of such comparisons."
            )
            % values
        )


def compare(first: Arm, second: Arm) -> Comparison:
    """Test whether two shares differ by more than chance. Pure.

    The z test of two proportions with the pooled share (J. L. Fleiss, "Statistical
    methods for rates and proportions", chapter on two independent samples), which is
    Pearson's chi-squared test of a table of two by two. By W. G. Cochran's rule it
    says nothing while fewer than five are expected in a cell.
    """
    n1, n2 = first.done, second.done
    if not n1 or not n2:
        return Comparison(first, second, None)
    pooled = (first.reached + second.reached) / (n1 + n2)
    expected = min(n1, n2) * min(pooled, 1 - pooled)
    if expected < _ENOUGH:
        return Comparison(first, second, None)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    z = abs(first.reached / n1 - second.reached / n2) / error
    return Comparison(first, second, math.erfc(z / math.sqrt(2)))


def comparison_of(campaign: Campaign) -> Comparison | None:
    """Compare a campaign's two assistants; `None` when it has one."""
    if campaign.variant_assistant is None:
        return None
    counts = {
        is_variant: (done, reached)
        for is_variant, done, reached in Lead.objects.filter(
            campaign=campaign, status__in=(Lead.Status.COMPLETED, Lead.Status.FAILED)
        )
        .order_by("is_variant")
        .values_list("is_variant")
        .annotate(
            done=Count("pk"),
            reached=Count("pk", filter=Q(status=Lead.Status.COMPLETED)),
        )
    }
    return compare(
        Arm(campaign.assistant.name, *counts.get(False, (0, 0))),
        Arm(campaign.variant_assistant.name, *counts.get(True, (0, 0))),
    )
