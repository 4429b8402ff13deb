"""The agency's cockpit over REST: usage, money and margin of every client."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ninja import Query, Router
from pydantic import BaseModel, Field

from common.money import format_credits
from config.cockpit import comparing
from config.cockpit.cockpit import Row, client_figures
from config.cockpit.comparing import Figures
from portal.api.access import api_requires
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Organizations"])


class FiguresJson(BaseModel):
    """What calls came to. `cost_credits` is the agency's; the margin is what is left."""

    calls: int
    minutes: int
    paid_credits: str
    cost_credits: str
    margin_credits: str


class ClientFiguresJson(FiguresJson):
    """One client; `calls_by_day` begins with the first day of the period."""

    organization_id: UUID
    name: str
    status: str
    calls_by_day: list[int]
    available_credits: str
    last_call_at: datetime | None
    before: FiguresJson


class AgencyFigures(BaseModel):
    """The period and the one before it; `total` counts the agency's own calls too."""

    first_day: date
    last_day: date
    total: FiguresJson
    total_before: FiguresJson
    organizations: list[ClientFiguresJson]


class TroubleJson(BaseModel):
    """Something that does not work; null is the agency's own."""

    what: str
    name: str
    detail: str
    organization_id: UUID | None


class Troubles(BaseModel):
    troubles: list[TroubleJson]


class FiguresWanted(BaseModel):
    days: int = Field(30, ge=1, le=90, description="Up to and with today.")


@router.get("/figures", response=AgencyFigures)
@api_requires(Permission.CLIENTS_READ)
def read_figures(
    request: KeyRequest, wanted: Annotated[FiguresWanted, Query()]
) -> dict[str, Any]:
    """Calls, minutes, what clients paid, what it cost, and the margin, client by client."""
    agency = request.organization
    period = comparing.period_of(wanted.days, ZoneInfo(agency.time_zone))
    now = comparing.figures_by_client(agency, period)
    before = comparing.figures_by_client(agency, period.before)
    days = comparing.days_by_client(agency, period)
    return {
        "first_day": period.first,
        "last_day": period.last,
        "total": figures_json(comparing.total(now)),
        "total_before": figures_json(comparing.total(before)),
        "organizations": [
            client_json(row, before.get(row.client.pk, Figures()))
            for row in client_figures(agency, now, before, days, period)
        ],
    }


@router.get("/troubles", response=Troubles)
@api_requires(Permission.CLIENTS_READ)
def list_troubles(request: KeyRequest) -> dict[str, Any]:
    """What does not work for the agency or a client, and needs a hand."""
    agency = request.organization
    return {
        "troubles": [
            {
                "what": str(one.what),
                "name": one.name,
                "detail": one.detail,
                "organization_id": one.organization_id,
            }
            for one in comparing.troubles(agency)
        ]
    }


def figures_json(figures: Figures) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "minutes": figures.minutes,
        "paid_credits": format_credits(figures.paid),
        "cost_credits": format_credits(figures.cost),
        "margin_credits": format_credits(figures.margin),
    }


def client_json(row: Row, before: Figures) -> dict[str, Any]:
    return figures_json(row.now) | {
        "organization_id": row.client.pk,
        "name": row.client.name,
        "status": row.client.status,
        "calls_by_day": row.days,
        "available_credits": format_credits(row.balance.available),
        "last_call_at": row.last_call_at,
        "before": figures_json(before),
    }
