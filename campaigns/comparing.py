"""Comparing campaigns, and the two assistants of one campaign, by one goal.

The two assistants of a campaign got their people by chance, so a difference is theirs.
Campaigns called different people at different times: a difference may be the list's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from calls.models import Call, CallAnalysis
from campaigns.chance import Arm, Comparison, compare, hold_together
from campaigns.figures import percent
from campaigns.models import Attempt, Campaign, Lead
from campaigns.outcomes import Outcome
from campaigns.retries import DISPOSITION

REACHED: Final = "reached"
SUCCESS: Final = "success"
MOST: Final = 6  # campaigns side by side
_SPOKEN: Final = (Outcome.ANSWERED, Outcome.DROPPED, Outcome.VOICEMAIL)
_DONE: Final = (Lead.Status.COMPLETED, Lead.Status.FAILED)


@dataclass(frozen=True)
class Goal:
    """What counts as a hit: `reached`, `success`, or `disposition:` and its name."""

    key: str = REACHED

    @property
    def is_reached(self) -> bool:
        return self.key == REACHED

    @property
    def label(self) -> str:
        if self.is_reached:
            return _("Reached")
        if self.key == SUCCESS:
            return _("Judged a success")
        return self.key.removeprefix(DISPOSITION)

    @property
    def rule(self) -> Q:
        """Return what is true of a lead that counts."""
        if self.is_reached:
            return Q(status=Lead.Status.COMPLETED)
        if self.key.startswith(DISPOSITION):
            return Q(disposition=self.key.removeprefix(DISPOSITION))
        good = CallAnalysis.objects.filter(call=OuterRef("call_id"), is_success=True)
        return Q(
            Exists(Attempt.objects.filter(Exists(good), lead=OuterRef("pk")).order_by())
        )


def goals_of(campaigns: Sequence[Campaign]) -> list[Goal]:
    """Return what these campaigns can be compared by."""
    found = (
        Lead.objects.filter(campaign__in=campaigns)
        .exclude(disposition="")
        .order_by("disposition")
        .values_list("disposition", flat=True)
        .distinct()[:20]
    )
    goals = [Goal(), *(Goal(f"{DISPOSITION}{name}") for name in found)]
    called = Attempt.objects.filter(lead__campaign__in=campaigns).values("call_id")
    judged = CallAnalysis.objects.filter(call__in=called, is_success__isnull=False)
    if judged.exists():
        goals.insert(1, Goal(SUCCESS))
    return goals


def chosen_goal(goals: Sequence[Goal], key: str) -> Goal:
    """Return the goal of this key, or the first."""
    return next((goal for goal in goals if goal.key == key), goals[0])


def main_goal(campaign: Campaign) -> Goal:
    """Return what two assistants are compared by, unless somebody chooses.

    Whether people pick up is not the assistant's doing; what comes of a call is.
    """
    called = Attempt.objects.filter(lead__campaign=campaign).values("call_id")
    judged = CallAnalysis.objects.filter(call__in=called, is_success__isnull=False)
    return Goal(SUCCESS) if judged.exists() else Goal()


def comparison_of(campaign: Campaign, goal: Goal | None = None) -> Comparison | None:
    """Compare a campaign's two assistants; `None` when it has one."""
    if campaign.variant_assistant is None:
        return None
    counts = {
        row["is_variant"]: (row["people"], row["hits"])
        for row in _counted(Lead.objects.filter(campaign=campaign), goal, "is_variant")
    }
    return compare(
        Arm(campaign.assistant.name, *counts.get(False, (0, 0))),
        Arm(campaign.variant_assistant.name, *counts.get(True, (0, 0))),
    )


def _counted(leads: QuerySet[Lead], goal: Goal | None, by: str) -> Iterable[Any]:
    """Count people a campaign is done with, and those who reached the goal."""
    found: Iterable[Any] = (
        leads.filter(status__in=_DONE)
        .order_by(by)
        .values(by)
        .annotate(people=Count("pk"), hits=Count("pk", filter=(goal or Goal()).rule))
    )
    return found


@dataclass(frozen=True)
class Side:
    """One campaign beside others; money is in microcredits, rates in percent."""

    campaign: Campaign
    arm: Arm
    attempts: int
    answered: int
    cost_microcredits: int
    mean_call_s: float | None

    @property
    def answer_percent(self) -> int | None:
        return percent(self.answered, self.attempts)

    @property
    def cost_per_hit(self) -> int | None:
        return self.cost_microcredits // self.arm.hits if self.arm.hits else None


def sides_of(campaigns: Sequence[Campaign], goal: Goal) -> list[Side]:
    """Return campaigns side by side, in the order given; three queries."""
    ids = [campaign.pk for campaign in campaigns]
    people = {
        row["campaign"]: (row["people"], row["hits"])
        for row in _counted(Lead.objects.filter(campaign__in=ids), goal, "campaign")
    }
    made = {row["lead__campaign"]: row for row in _attempts_of(ids)}
    lengths = _lengths_of(ids)
    sides = []
    for campaign in campaigns:
        row = made.get(campaign.pk, {})
        arm = Arm(
            campaign.name, *people.get(campaign.pk, (0, 0)), campaign.assistant.name
        )
        sides.append(
            Side(
                campaign,
                arm,
                attempts=row.get("attempts", 0),
                answered=row.get("answered", 0),
                cost_microcredits=row.get("cost") or 0,
                mean_call_s=lengths.get(campaign.pk),
            )
        )
    return sides


def _attempts_of(ids: Sequence[UUID]) -> Iterable[Any]:
    return (
        Attempt.objects.filter(lead__campaign__in=ids, status=Attempt.Status.FINISHED)
        .order_by("lead__campaign")
        .values("lead__campaign")
        .annotate(
            attempts=Count("pk"),
            answered=Count("pk", filter=Q(outcome__in=_SPOKEN)),
            cost=Sum("cost_microcredits"),
        )
    )


def _lengths_of(ids: Sequence[UUID]) -> dict[UUID, float]:
    """Return how long the last answered calls of each campaign took, in seconds."""
    found = {}
    for campaign_id in ids:
        spoken = Attempt.objects.filter(
            lead__campaign=campaign_id, outcome=Outcome.ANSWERED
        ).order_by("-finished_at")
        calls = Call.objects.filter(pk__in=spoken.values("call_id")[:500])
        mean = calls.aggregate(mean=Avg("duration_ms"))["mean"]
        if mean:
            found[campaign_id] = round(float(mean) / 1000, 1)
    return found


def against_first(sides: Sequence[Side]) -> list[Comparison]:
    """Compare every campaign with the first, held together as one look."""
    return hold_together([compare(sides[0].arm, side.arm) for side in sides[1:]])
