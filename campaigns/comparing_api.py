"""Campaigns side by side over REST, with what may honestly be said of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from django.utils import translation
from ninja import Query, Router
from pydantic import BaseModel, Field

from campaigns.chance import Arm, Comparison, Finding
from campaigns.comparing import (
    MOST,
    Goal,
    Side,
    against_first,
    comparison_of,
    goals_of,
    sides_of,
)
from campaigns.models import Campaign
from campaigns.queries import visible_campaigns
from common.money import format_credits
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Campaigns"])


class Compared(BaseModel):
    """Which campaigns, and what counts as a hit."""

    campaign_ids: list[UUID] = Field(
        min_length=1,
        max_length=MOST,
        description="Give the parameter once for each. The oldest is what the others "
        "are measured by.",
        examples=[["01932a5c-7b1e-7c4d-9a53-2f6b1d0e8c41"]],
    )
    goal: str = Field(
        "reached",
        max_length=120,
        description="`reached`, `success`, or `disposition:` and its name; an answer "
        "lists those there are.",
    )


class GoalJson(BaseModel):
    goal: str
    label: str


class ShareJson(BaseModel):
    """Of `people` that are done with, `hits` reached the goal.

    With 95 % confidence the true share lies between `low_percent` and `high_percent`.
    """

    name: str
    people: int
    hits: int
    percent: float | None
    low_percent: float
    high_percent: float


class SideJson(ShareJson):
    campaign_id: UUID
    assistant_name: str
    attempts: int
    answered: int
    cost_credits: str
    cost_per_hit_credits: str | None
    mean_call_seconds: float | None


class FindingJson(BaseModel):
    """Whether a difference is more than chance; `text` says it in words.

    `p_value` is null with too few people for any. Several comparisons at once raise it
    (Holm). `better` is the name of the side with more hits of a hundred, once that is no chance.
    Decide when campaigns have ended: looking again and again makes chance look like a
    difference.
    """

    finding: Finding
    p_value: float | None
    better: str | None
    detectable_points: float | None
    text: str


class AgainstFirst(FindingJson):
    campaign_id: UUID
    against_campaign_id: UUID


class VariantsJson(FindingJson):
    """The two assistants of one campaign, whose people chance divided."""

    campaign_id: UUID
    sides: list[ShareJson]


class ComparisonJson(BaseModel):
    goal: str
    goals: list[GoalJson]
    campaigns: list[SideJson]
    findings: list[AgainstFirst]
    variants: list[VariantsJson]


@router.get("/compare", response=ComparisonJson)
@api_requires(Permission.CAMPAIGNS_READ)
def compare_campaigns(
    request: KeyRequest, wanted: Annotated[Compared, Query()]
) -> dict[str, Any]:
    """Up to six campaigns that have begun, by one goal."""
    chosen = _chosen(wanted.campaign_ids)
    # What programs read is English, whoever's browser asks.
    with translation.override("en"):
        goals = goals_of(chosen)
        goal = _goal(goals, wanted.goal)
        sides = sides_of(chosen, goal)
        found = zip(sides[1:], against_first(sides), strict=True)
        return {
            "goal": goal.key,
            "goals": [{"goal": one.key, "label": one.label} for one in goals],
            "campaigns": [_side_json(side) for side in sides],
            "findings": [
                {
                    "campaign_id": side.campaign.pk,
                    "against_campaign_id": sides[0].campaign.pk,
                    **finding_json(one),
                }
                for side, one in found
            ],
            "variants": _variants(chosen, goal),
        }


def _chosen(ids: Sequence[UUID]) -> list[Campaign]:
    begun = visible_campaigns().exclude(status=Campaign.Status.DRAFT)
    found = {row.pk: row for row in begun.filter(pk__in=ids)}
    for index, campaign_id in enumerate(ids):
        if campaign_id not in found:
            raise InvalidRequest(
                "There is no such campaign that has begun.",
                param=f"campaign_ids[{index}]",
            )
    return sorted(found.values(), key=lambda row: (row.created_at, row.pk))


def _goal(goals: Sequence[Goal], key: str) -> Goal:
    found = next((goal for goal in goals if goal.key == key), None)
    if found is None:
        allowed = ", ".join(goal.key for goal in goals)
        raise InvalidRequest(f"Choose one of: {allowed}.", param="goal")
    return found


def _variants(chosen: Sequence[Campaign], goal: Goal) -> list[dict[str, Any]]:
    compared = [(row, comparison_of(row, goal)) for row in chosen]
    return [
        {
            "campaign_id": row.pk,
            "sides": [_share_json(arm) for arm in one.arms],
            **finding_json(one),
        }
        for row, one in compared
        if one is not None
    ]


def _side_json(side: Side) -> dict[str, Any]:
    per_hit = side.cost_per_hit
    return _share_json(side.arm) | {
        "campaign_id": side.campaign.pk,
        "assistant_name": side.campaign.assistant.name,
        "attempts": side.attempts,
        "answered": side.answered,
        "cost_credits": format_credits(side.cost_microcredits),
        "cost_per_hit_credits": None if per_hit is None else format_credits(per_hit),
        "mean_call_seconds": side.mean_call_s,
    }


def _share_json(arm: Arm) -> dict[str, Any]:
    return {
        "name": arm.name,
        "people": arm.people,
        "hits": arm.hits,
        "percent": round(arm.percent, 2) if arm.people else None,
        "low_percent": round(arm.low, 2),
        "high_percent": round(arm.high, 2),
    }


def finding_json(one: Comparison) -> dict[str, Any]:
    points = one.detectable_points
    return {
        "finding": one.finding,
        "p_value": one.p_value,
        "better": one.better.name if one.better else None,
        "detectable_points": None if points is None else round(points, 1),
        "text": one.text,
    }
