"""What calls used, one log each, and their sum."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Count, Sum
from ninja import Query, Router
from pydantic import BaseModel

from assistants.keys import Payer
from calls.models import Call
from calls.queries import visible_calls
from common.money import format_credits
from portal.api.access import api_requires
from portal.api.paging import LongPagination, Period, page_of
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Usage"])


class UsageLog(BaseModel):
    """A settled call. The `byok` flags say whose keys paid the vendors."""

    id: UUID
    duration_sec: int
    call_type: str
    byok_stt: bool
    byok_llm: bool
    byok_tts: bool
    phone_number: str | None
    agent_name: str | None
    business_name: str | None
    cost_credits: str
    created_at: datetime


class UsageSummary(BaseModel):
    """Sums over every log of the period, not only those of the page."""

    total_calls: int
    total_duration_seconds: int
    total_duration_minutes: float
    total_cost_credits: str


class Usage(BaseModel):
    logs: list[UsageLog]
    pagination: LongPagination
    summary: UsageSummary


@router.get("", response=Usage)
@api_requires(Permission.BILLING_READ)
def read_usage(
    request: KeyRequest, wanted: Annotated[Period, Query()]
) -> dict[str, Any]:
    """Settled calls, newest first."""
    zone = request.organization.time_zone
    calls = visible_calls().filter(
        settled_at__isnull=False, **wanted.bounds(zone).filter("created_at")
    )
    sums = calls.order_by().aggregate(
        count=Count("pk"), seconds=Sum("billed_seconds"), cost=Sum("cost_microcredits")
    )
    seconds = sums["seconds"] or 0
    page, said = page_of(calls, wanted, sums["count"])
    return {
        "logs": [_log(call) for call in page],
        "pagination": said,
        "summary": {
            "total_calls": sums["count"],
            "total_duration_seconds": seconds,
            "total_duration_minutes": round(seconds / 60, 2),
            "total_cost_credits": format_credits(int(sums["cost"] or 0)),
        },
    }


def _is_own(call: Call, stage: str) -> bool:
    """Whether a key that is not the platform's paid for a stage."""
    owner = call.key_owners.get(stage)
    return owner is not None and owner != Payer.PLATFORM


def _log(call: Call) -> dict[str, Any]:
    return {
        "id": call.pk,
        "duration_sec": call.billed_seconds,
        "call_type": "web" if call.direction == Call.Direction.WEB else "phone",
        **{f"byok_{stage}": _is_own(call, stage) for stage in ("stt", "llm", "tts")},
        "phone_number": call.other_number or None,
        "agent_name": call.assistant.name if call.assistant else None,
        "business_name": None,
        "cost_credits": format_credits(call.cost_microcredits),
        "created_at": call.created_at,
    }
