"""Money over REST: the balance, the ledger line by line, and what is on offer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field

from billing.alerts import outlook_of
from billing.ledger import wallet_balance
from billing.lots import lots_of
from billing.payments.shop import open_shop
from billing.queries import Line, Period, month_period, read_statement
from common.money import format_credits
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import MAX_LIMIT
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Billing"])


class Lot(BaseModel):
    """Credits that came together; in the order they are used."""

    kind: str
    remaining_credits: str
    expires_at: datetime | None
    created_at: datetime


class BalanceJson(BaseModel):
    """Credits are decimal strings: they are exact."""

    available_credits: str
    held_credits: str
    days_left: float | None
    lots: list[Lot]


class LedgerLine(BaseModel):
    """One line of the statement. `details` say what it was computed from."""

    number: int
    at: datetime
    kind: str
    account: str
    credits: str
    balance_credits: str
    call_id: UUID | None
    payment_id: UUID | None
    seconds: int | None
    client: str | None
    margin_credits: str | None
    memo: str
    details: dict[str, Any]


class Ledger(BaseModel):
    """`next_before` asks for the next page; null on the last."""

    lines: list[LedgerLine]
    next_before: int | None


Month = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d{2}$",
        examples=["2026-03"],
        json_schema_extra={"pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])$"},
    ),
]


class LedgerWanted(BaseModel):
    limit: int = Field(100, ge=1, le=MAX_LIMIT)
    before: int | None = Field(None, ge=1, le=2**62)
    kind: str = Field("", pattern="^(|call|grant|other)$")
    month: Month | None = None


class MonthWanted(BaseModel):
    month: Month | None = None


class StatementJson(BaseModel):
    """A month: what there was, came, went, and was left."""

    first_day: str
    last_day: str
    opening_credits: str
    in_credits: str
    out_credits: str
    closing_credits: str


class Package(BaseModel):
    id: str
    name: str
    credits: str
    bonus_credits: str
    price_cents: int
    tax_cents: int
    currency: str
    expires_days: int | None


class Packages(BaseModel):
    packages: list[Package]


@router.get("/balance", response=BalanceJson)
@api_requires(Permission.BILLING_READ)
def read_balance(request: KeyRequest) -> dict[str, Any]:
    """What the key's organization has, and how long it lasts at last week's pace."""
    organization = request.organization
    balance = wallet_balance(organization)
    days = outlook_of(organization, timezone.now()).days_left
    return {
        "available_credits": format_credits(balance.available),
        "held_credits": format_credits(balance.held),
        "days_left": None if days is None else round(days, 1),
        "lots": [
            {
                "kind": lot.kind,
                "remaining_credits": format_credits(lot.remaining_microcredits),
                "expires_at": lot.expires_at,
                "created_at": lot.created_at,
            }
            for lot in lots_of(organization)
        ],
    }


@router.get("/ledger", response=Ledger)
@api_requires(Permission.BILLING_READ)
def read_ledger(
    request: KeyRequest, wanted: Annotated[LedgerWanted, Query()]
) -> dict[str, Any]:
    """The statement line by line, newest first."""
    period = chosen_month(wanted.month) if wanted.month else Period()
    found = read_statement(
        request.organization,
        period=period,
        kind=wanted.kind,
        before=wanted.before,
        limit=wanted.limit,
    )
    return {
        "lines": [_line(line) for line in found.lines],
        "next_before": found.next_before,
    }


@router.get("/statement", response=StatementJson)
@api_requires(Permission.BILLING_READ)
def read_month(
    request: KeyRequest, wanted: Annotated[MonthWanted, Query()]
) -> dict[str, Any]:
    """The sums of one month, this one by default."""
    organization = request.organization
    period = chosen_month(wanted.month or "")
    sums = read_statement(organization, period=period, limit=1)
    until = read_statement(organization, period=Period(None, period.last_day), limit=1)
    closing = until.total_in - until.total_out
    opening = closing - sums.total_in + sums.total_out
    return {
        "first_day": str(period.first_day),
        "last_day": str(period.last_day),
        "opening_credits": format_credits(opening),
        "in_credits": format_credits(sums.total_in),
        "out_credits": format_credits(sums.total_out),
        "closing_credits": format_credits(closing),
    }


@router.get("/packages", response=Packages)
@api_requires(Permission.BILLING_READ)
def read_packages(request: KeyRequest) -> dict[str, Any]:
    """What can be bought on the portal, with its tax where that is a fixed rate."""
    shop = open_shop(request.organization)
    return {
        "packages": [
            {
                "id": ware.id,
                "name": ware.name,
                "credits": format_credits(ware.microcredits),
                "bonus_credits": format_credits(ware.bonus_microcredits),
                "price_cents": ware.net_cents,
                "tax_cents": ware.tax_cents,
                "currency": shop.currency,
                "expires_days": ware.expires_days,
            }
            for ware in shop.wares
        ]
    }


def chosen_month(text: str) -> Period:
    """Return a month such as 2026-03, this one for nothing; refuse what is none."""
    if text:
        year, _dash, month = text.partition("-")
        if not (1970 <= int(year) < 9000 and 1 <= int(month) <= 12):
            raise InvalidRequest("Give a month such as 2026-03.", param="month")
    return month_period(text, timezone.localdate())


def _line(line: Line) -> dict[str, Any]:
    margin = line.margin_microcredits
    return {
        "number": line.number,
        "at": line.at,
        "kind": line.kind,
        "account": line.account,
        "credits": format_credits(line.amount_microcredits),
        "balance_credits": format_credits(line.balance_microcredits),
        "call_id": line.call_id,
        "payment_id": line.payment_id,
        "seconds": line.seconds,
        "client": line.client_name or None,
        "margin_credits": None if margin is None else format_credits(margin),
        "memo": line.memo,
        # On an agency's own statement a client's entry says what the client was charged.
        "details": line.details,
    }
