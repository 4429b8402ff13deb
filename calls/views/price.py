"""What a minute with an assistant costs, before it is ever called."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from assistants.queries import get_assistant
from calls.call_costs import STAGES
from calls.models import Call
from calls.services.costing import call_price, choices_of, expected_minute, payers_of
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_GET
@requires(Permission.ASSISTANTS_READ)
def assistant_price(request: MemberRequest, assistant_id: UUID) -> HttpResponse:
    """The estimate by stage, and the price of each kind of call."""
    assistant = get_assistant(assistant_id)
    if assistant.current_version is None:
        raise Http404
    organization, now = request.organization, timezone.now()
    spec = assistant.current_version.spec
    payers = payers_of(organization)
    choices = choices_of(spec, payers)
    costs = expected_minute(spec, choices)
    prices: list[dict[str, Any]] = []
    for direction in Call.Direction:
        tariff = call_price(organization, spec, now, direction, payers).client
        prices.append(
            {
                "label": direction.label,
                "tariff": tariff,
                "minute": tariff.microcredits_per_minute
                + tariff.model_microcredits_per_minute,
                "five": tariff.held_for(300),
            }
        )
    context: dict[str, Any] = {
        "assistant": assistant,
        "stages": [
            {
                "label": STAGES[cost.stage],
                "cost": cost,
                "source": choice.provider.price_source_of(choice.model),
                "is_own": choice.provider.key is None,
            }
            for choice, cost in zip(choices, costs, strict=True)
        ],
        "prices": prices,
        "percent": prices[0]["tariff"].model_cost_percent,
    }
    return render(request, "calls/assistant_price.html", context)
