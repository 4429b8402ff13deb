"""Prices of calls over REST: every version there was, and new ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils import timezone
from ninja import Body as BodyParam, Query, Router, Status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from billing.models import Price
from billing.pricing import Terms, set_price
from common.money import format_credits, parse_credits
from config.selling_api.amounts import AnyCredits, agency_of
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body, Page, Pagination, pagination
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.scope import agency_scope

router = Router()


class PriceJson(BaseModel):
    """One version of a price; `client_id` null is every client, "" every call or mode."""

    id: UUID
    client_id: UUID | None
    direction: str
    mode: str
    credits_per_minute: str
    setup_credits: str
    minimum_seconds: int
    free_minutes: int
    model_cost_percent: int
    is_withdrawn: bool
    effective_at: datetime


class OnePrice(BaseModel):
    price: PriceJson


class Prices(BaseModel):
    prices: list[PriceJson]
    pagination: Pagination


class NewPrice(Body):
    """From `effective_at` on, now by default; calls keep the price they began with."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"free_minutes": {"const": 0}}},
                {"properties": {"direction": {"const": ""}, "mode": {"const": ""}}},
            ]
        }
    )

    client_id: UUID | None = None
    direction: Literal["", "inbound", "outbound", "web"] = ""
    mode: Literal["", "own_key", "platform_key", "realtime"] = ""
    credits_per_minute: AnyCredits
    setup_credits: AnyCredits = "0"
    minimum_seconds: int = Field(0, ge=0, le=3600)
    free_minutes: int = Field(0, ge=0, le=1_000_000)
    model_cost_percent: int = Field(100, ge=0, le=1000)
    is_withdrawn: bool = Field(
        False, strict=True, description="The next less exact price counts again."
    )
    effective_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _free_minutes_of_every_call(self) -> NewPrice:
        if self.free_minutes and (self.direction or self.mode):
            raise ValueError("Free minutes belong to a price for every call.")
        return self


@router.get("/prices", response=Prices)
@api_requires(Permission.BILLING_SELL)
def list_prices(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """Every version of every price, the latest first."""
    agency = agency_of(request)
    with agency_scope(agency.pk):
        rows = Price.objects.filter(organization=agency)
        return {
            "prices": [
                price_json(row)
                for row in rows[wanted.offset : wanted.offset + wanted.limit]
            ],
            "pagination": pagination(wanted, rows.count()),
        }


@router.post("/prices", response={201: OnePrice})
@api_requires(Permission.BILLING_SELL)
def create_price(
    request: KeyRequest, wanted: Annotated[NewPrice, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Set what calls cost one client, or all of them. The past keeps its prices."""
    agency = agency_of(request)
    now = timezone.now()
    with agency_scope(agency.pk):
        client = None
        if wanted.client_id is not None:
            client = Organization.objects.filter(
                pk=wanted.client_id, parent=agency
            ).first()
            if client is None:
                raise InvalidRequest("There is no such client.", param="client_id")
        row = set_price(
            agency=agency,
            client=client,
            microcredits_per_minute=parse_credits(wanted.credits_per_minute),
            effective_at=max(now, wanted.effective_at or now),
            actor=None,
            terms=Terms(
                parse_credits(wanted.credits_per_minute),
                direction=wanted.direction,
                mode=wanted.mode,
                setup_microcredits=parse_credits(wanted.setup_credits),
                minimum_seconds=wanted.minimum_seconds,
                free_minutes=wanted.free_minutes,
                model_cost_percent=wanted.model_cost_percent,
                is_withdrawn=wanted.is_withdrawn,
            ),
        )
    return Status(201, {"price": price_json(row)})


def price_json(row: Price) -> dict[str, Any]:
    return {name: getattr(row, name, None) for name in PriceJson.model_fields} | {
        "credits_per_minute": format_credits(row.microcredits_per_minute),
        "setup_credits": format_credits(row.setup_microcredits),
    }
