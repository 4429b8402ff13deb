"""Numbers that are not called, over REST: added, imported, checked and removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import Http404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field

from campaigns.models import SuppressionEntry
from campaigns.numbers import UnusableNumber, to_e164
from campaigns.suppressing import (
    own_entries,
    suppress_numbers,
    suppressed_among,
    unsuppress,
)
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body, Deleted, Page, Pagination, pagination
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Suppressions"])
MAX_NUMBERS = 10_000
Number = Annotated[str, Field(max_length=40, examples=["+31612345678"])]


class SuppressionsBody(Body):
    """Numbers in E.164. `source` is `registry` for those of an external register."""

    phone_numbers: list[Number] = Field(min_length=1, max_length=MAX_NUMBERS)
    reason: str = Field("", max_length=300)
    source: Literal["api", "registry", "upload"] = "api"


class NumbersBody(Body):
    phone_numbers: list[Number] = Field(min_length=1, max_length=MAX_NUMBERS)


class SuppressionJson(BaseModel):
    id: UUID
    phone_number: str
    source: str
    reason: str | None
    call_id: UUID | None
    created_at: datetime


class Suppressions(BaseModel):
    suppressions: list[SuppressionJson]
    pagination: Pagination


class Added(BaseModel):
    added: int
    already: int


class CheckedNumber(BaseModel):
    phone_number: str
    suppressed: bool
    level: str | None
    source: str | None
    reason: str | None


class Checked(BaseModel):
    results: list[CheckedNumber]


@router.get("", response=Suppressions)
@api_requires(Permission.CAMPAIGNS_READ)
def list_suppressions(
    request: KeyRequest, wanted: Annotated[Page, Query()]
) -> dict[str, Any]:
    """The organization's own list, newest first."""
    rows = own_entries()
    page = rows[wanted.offset : wanted.offset + wanted.limit]
    return {
        "suppressions": [suppression_json(row) for row in page],
        "pagination": pagination(wanted, rows.count()),
    }


@router.post("", response={201: Added})
@api_requires(Permission.CAMPAIGNS_EDIT)
@transaction.atomic
def add_suppressions(
    request: KeyRequest, wanted: SuppressionsBody
) -> Status[dict[str, int]]:
    """Add numbers; it takes effect at once, also for calls that ring.

    A conversation that is going on is not cut off: end it with its call's `end`, if it
    must be. Nobody calls the person afterwards, whatever came of it.
    """
    numbers = read_numbers(wanted.phone_numbers)
    added = suppress_numbers(
        organization=request.organization,
        numbers=numbers,
        source=SuppressionEntry.Source(wanted.source),
        actor=None,
        reason=wanted.reason,
    )
    return Status(201, {"added": added, "already": len(set(numbers)) - added})


@router.post("/check", response=Checked)
@api_requires(Permission.CAMPAIGNS_READ)
def check_numbers(request: KeyRequest, wanted: NumbersBody) -> dict[str, Any]:
    """Which of these are on the organization's list or one above it."""
    numbers = read_numbers(wanted.phone_numbers)
    found = suppressed_among(numbers, organization=request.organization)
    results = []
    for number in numbers:
        entry = found.get(number)
        own = entry is not None and entry.level != "operator"
        results.append(
            {
                "phone_number": number,
                "suppressed": entry is not None,
                "level": entry.level if entry else None,
                "source": entry.source if entry else None,
                "reason": (entry.reason or None) if entry and own else None,
            }
        )
    return {"results": results}


@router.delete("/{uuid:suppression_id}", response=Deleted)
@api_requires(Permission.CAMPAIGNS_EDIT)
def remove_suppression(request: KeyRequest, suppression_id: UUID) -> dict[str, bool]:
    """Take a number off the list; recorded."""
    entry = own_entries().filter(pk=suppression_id).first()
    if entry is None:
        raise Http404("No such entry.")
    unsuppress(entry=entry, actor=None)
    return {"success": True}


def suppression_json(row: SuppressionEntry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    return {
        "id": row.pk,
        "phone_number": row.phone_number,
        "source": row.source,
        "reason": row.reason or None,
        "call_id": row.call_id,
        "created_at": row.created_at,
    }


def read_numbers(texts: Sequence[str]) -> list[str]:
    """Return numbers in E.164; the first that is none is refused by its place."""
    numbers = []
    for index, text in enumerate(texts):
        try:
            numbers.append(to_e164(text, ""))
        except UnusableNumber as error:
            raise InvalidRequest(str(error), param=f"phone_numbers[{index}]") from error
    return numbers
