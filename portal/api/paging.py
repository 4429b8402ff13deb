"""Pages and periods of lists, as every list of the API takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Final, NotRequired, TypedDict, TypeVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import QuerySet
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from portal.api.cursors import MAX_CHARACTERS, after, cursor_after
from portal.api.errors import InvalidRequest

_M = TypeVar("_M", bound=models.Model)

MAX_LIMIT: Final = 1000
MAX_OFFSET: Final = 10_000_000
_YEARS: Final = range(1970, 9000)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Page(BaseModel):
    """Which part of a list is wanted."""

    limit: int = Field(100, ge=1, le=MAX_LIMIT)
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


class LongPage(Page):
    """A page of a long list: from an offset, or after a cursor, which is never slow."""

    cursor: str | None = Field(
        None,
        max_length=MAX_CHARACTERS,
        description="The `next_cursor` of the page before; `offset` is ignored.",
    )


Moment = Annotated[
    str,
    Field(max_length=40),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A day, or a time in ISO 8601.",
            "anyOf": [{"format": "date"}, {"format": "date-time"}, {"const": ""}],
        }
    ),
]


class Between(BaseModel):
    """What happened in a period; both ends are included."""

    start_date: Moment | None = None
    end_date: Moment | None = None

    def bounds(self, time_zone: str) -> Bounds:
        """Return the period; days and times without a zone are the organization's."""
        return Bounds(
            _moment(self.start_date, "start_date", time_zone, is_end=False),
            _moment(self.end_date, "end_date", time_zone, is_end=True),
        )


class Period(LongPage, Between):
    """A page of what happened in a period."""


@dataclass(frozen=True)
class Bounds:
    """From `since` until before `until`; `None` is open."""

    since: datetime | None
    until: datetime | None

    def filter(self, field: str) -> dict[str, datetime]:
        """Return the filter of a queryset."""
        wanted = {f"{field}__gte": self.since, f"{field}__lt": self.until}
        return {name: at for name, at in wanted.items() if at is not None}


class Pagination(BaseModel):
    """What a list says about its page."""

    total: int
    limit: int
    offset: int


class LongPagination(Pagination):
    """The same of a long list; `next_cursor` is null on its last page."""

    next_cursor: str | None


class Deleted(BaseModel):
    """The answer to a deletion."""

    success: bool


class PaginationJson(TypedDict):
    total: int
    limit: int
    offset: int
    next_cursor: NotRequired[str | None]


class Body(BaseModel):
    """A request's body: a field that is not known is refused by name."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def pagination(page: Page, total: int) -> PaginationJson:
    return {"total": total, "limit": page.limit, "offset": page.offset}


def page_of(
    rows: QuerySet[_M], page: LongPage, total: int
) -> tuple[list[_M], PaginationJson]:
    """Return the rows of a page, newest first, and what is said about it."""
    if page.cursor is None:
        found = list(rows[page.offset : page.offset + page.limit + 1])
    else:
        found = list(after(rows, page.cursor)[: page.limit + 1])
    shown = found[: page.limit]
    said = pagination(page, total)
    said["next_cursor"] = cursor_after(shown[-1]) if len(found) > len(shown) else None
    return shown, said


def given(body: BaseModel, *names: str) -> Any:
    """Return the first of these fields that was sent, whatever its value; else `None`.

    For the two names one field has had.
    """
    for name in names:
        if name in body.model_fields_set:
            return getattr(body, name)
    return None


def _moment(
    text: str | None, param: str, time_zone: str, *, is_end: bool
) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(
            "Give a day such as 2026-03-31, or a time such as 2026-03-31T12:00:00Z.",
            param=param,
        ) from error
    if moment.year not in _YEARS:
        # Before, or after, all there is: as far as time zones have room to count.
        year = _YEARS[0] if moment.year < _YEARS[0] else _YEARS[-1]
        moment = moment.replace(year=year, month=1, day=1)
    zone = ZoneInfo(time_zone)
    if _DAY.fullmatch(text):
        day = moment.date() + timedelta(days=1) if is_end else moment.date()
        return datetime.combine(day, time.min, zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    # The database takes no zone that is further from Greenwich than any there is.
    moment = moment.astimezone(UTC)
    # The end is included; the database counts in microseconds.
    return moment + timedelta(microseconds=1) if is_end else moment
