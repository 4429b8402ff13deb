"""What a minute with an assistant costs, over REST, before it is ever called."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from ninja import Router
from pydantic import BaseModel

from assistants.queries import get_assistant
from calls.models import Call
from calls.services.costing import call_price, choices_of, expected_minute, payers_of
from common.money import format_credits
from portal.api.access import api_requires
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Assistants"])


class StageJson(BaseModel):
    """One stage of a minute; `payer` is whose key the vendor is called with."""

    stage: str
    provider: str
    model: str
    payer: str
    credits_per_minute: str


class DirectionJson(BaseModel):
    """What a call of one direction costs; `five_minutes` is what is held for it."""

    direction: str
    credits_per_minute: str
    model_credits_per_minute: str
    setup_credits: str
    minimum_seconds: int
    model_cost_percent: int
    five_minutes: str


class PriceEstimate(BaseModel):
    """An estimate of models at work, and the prices in force now."""

    stages: list[StageJson]
    calls: list[DirectionJson]


@router.get("/{uuid:assistant_id}/price", response=PriceEstimate)
@api_requires(Permission.ASSISTANTS_READ)
def estimate_price(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """The estimate by stage, and the price of each kind of call."""
    assistant = get_assistant(assistant_id)
    if assistant.current_version is None:
        raise Http404("No such assistant.")
    organization = request.organization
    spec = assistant.current_version.spec
    payers = payers_of(organization)
    now = timezone.now()
    return {
        "stages": [
            {
                "stage": cost.stage,
                "provider": cost.provider,
                "model": cost.model,
                "payer": cost.payer,
                "credits_per_minute": format_credits(cost.microcredits),
            }
            for cost in expected_minute(spec, choices_of(spec, payers))
        ],
        "calls": [
            direction_json(
                direction.value,
                call_price(organization, spec, now, direction, payers).client,
            )
            for direction in Call.Direction
        ],
    }


def direction_json(direction: str, tariff: Any) -> dict[str, Any]:
    """Return the price of one direction as the API shows it."""
    return {
        "direction": direction,
        "credits_per_minute": format_credits(tariff.microcredits_per_minute),
        "model_credits_per_minute": format_credits(
            tariff.model_microcredits_per_minute
        ),
        "setup_credits": format_credits(tariff.setup_microcredits),
        "minimum_seconds": tariff.minimum_seconds,
        "model_cost_percent": tariff.model_cost_percent,
        "five_minutes": format_credits(tariff.held_for(300)),
    }
