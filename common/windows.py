"""Hours of the week in which something may happen, and when they come next. Pure.

A `Week` holds spans of minutes for each weekday, `Hours` adds days off and a first and
last day. They are wall-clock time: only together with a time zone do they name moments.
A moment is inside when the clock on the wall there is, so that in the night in which an
hour comes twice it counts twice, and the hour that is left out opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from common.days_off import is_holiday

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN: Final = 24 * 60
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_MAX_SPANS: Final = 12
_STEP: Final = timedelta(hours=12)  # no zone moves its clock twice within it

Moments = list[tuple[datetime, datetime]]


class BadWindow(ValueError):
    """Hours that make no sense; the message names what is wrong."""


@dataclass(frozen=True, order=True)
class Span:
    """From one minute of the day until before another; 1440 is the end of the day."""

    start_min: int
    end_min: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_min < self.end_min <= DAY_MIN:
            raise BadWindow(
                "A span ends after it starts, on the same day; split one over midnight."
            )

    def __str__(self) -> str:
        return f"{clock_text(self.start_min)}-{clock_text(self.end_min)}"


def clock_text(minute: int) -> str:
    """Return a minute of the day as 09:30; the end of the day is 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minute_of(text: str) -> int:
    """Return the minute of the day that 09:30 or 09:30:00 names; 23:59:59 is its end."""
    found = _TIME.fullmatch(text.strip())
    hour, minute, second = (
        (int(part or 0) for part in found.groups()) if found else (99, 0, 0)
    )
    if hour * 60 + minute > DAY_MIN or minute > 59 or second > 59:
        raise BadWindow(f"“{text}” is no time of day. Write 09:30.")
    return hour * 60 + minute + (second == 59)


@dataclass(frozen=True)
class Week:
    """Spans for Monday to Sunday; they are in order and do not touch."""

    days: tuple[tuple[Span, ...], ...]

    @classmethod
    def of(cls, days: Sequence[Iterable[Span]]) -> Week:
        """Return a week of these days; spans that overlap or touch become one."""
        return cls(tuple(_merged(spans) for spans in days))

    @classmethod
    def parse(cls, value: object) -> Week:
        """Read `{"mon": [["09:00", "12:00"], …]}`; raise `BadWindow`.

        A day that is absent is closed. `mon-fri` names several days, and a span may be
        written `"09:00-12:00"`.
        """
        if not isinstance(value, Mapping):
            raise BadWindow("Give the hours as an object of weekdays.")
        days: list[list[Span]] = [[] for _ in WEEKDAYS]
        for name, spans in value.items():
            for day in _days_named(str(name)):
                days[day] += _spans_of(str(name), spans)
        return cls.of(days)

    def as_json(self) -> dict[str, list[list[str]]]:
        """Return what `parse` reads."""
        return {
            name: [[clock_text(s.start_min), clock_text(s.end_min)] for s in spans]
            for name, spans in zip(WEEKDAYS, self.days, strict=True)
            if spans
        }

    def __and__(self, other: Week) -> Week:
        """Return the hours in both."""
        return Week.of(
            [
                [
                    Span(max(a.start_min, b.start_min), min(a.end_min, b.end_min))
                    for a in mine
                    for b in theirs
                    if max(a.start_min, b.start_min) < min(a.end_min, b.end_min)
                ]
                for mine, theirs in zip(self.days, other.days, strict=True)
            ]
        )

    @property
    def minutes(self) -> int:
        """How long it is open in a week."""
        return sum(s.end_min - s.start_min for spans in self.days for s in spans)

    @property
    def one_span(self) -> Span | None:
        """The span that every day has alone, or `None`."""
        first = self.days[0]
        if len(first) == 1 and all(spans == first for spans in self.days):
            return first[0]
        return None


def every_day(start_min: int = 0, end_min: int = DAY_MIN) -> Week:
    """Return the week with this span on each day."""
    return Week(((Span(start_min, end_min),),) * 7)


WHOLE_WEEK: Final = every_day()


@dataclass(frozen=True)
class Hours:
    """A week without its days off. `holidays` are regions such as NL or US-FL."""

    week: Week = WHOLE_WEEK
    days_off: frozenset[date] = frozenset()
    holidays: frozenset[str] = frozenset()
    first_day: date | None = None
    last_day: date | None = None

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """Return when this day is open."""
        if self.closed_because(day):
            return ()
        return self.week.days[day.weekday()]

    def closed_because(self, day: date) -> str:
        """Return why a whole day is closed: `before_start`, `after_end`, `day_off`,
        `holiday` or `weekday`; "" when it is not."""
        if self.first_day is not None and day < self.first_day:
            return "before_start"
        if self.last_day is not None and day > self.last_day:
            return "after_end"
        if day in self.days_off:
            return "day_off"
        if any(is_holiday(region, day) for region in self.holidays):
            return "holiday"
        return "" if self.week.days[day.weekday()] else "weekday"


def is_open(hours: Hours, zone: ZoneInfo, at: datetime) -> bool:
    """Whether the clock on the wall of a zone stands inside these hours."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(s.start_min <= minute < s.end_min for s in hours.spans_on(local.date()))


def open_moments(
    hours: Hours, zone: ZoneInfo, since: datetime, until: datetime
) -> Moments:
    """Return when these hours are open in a zone, in UTC, within a period."""
    found: Moments = []
    for start, end, offset in _steady(zone, since, until):
        first, last = start + offset, end + offset
        day = first.date()
        while datetime.combine(day, time.min, UTC) < last:
            midnight = datetime.combine(day, time.min, UTC)
            for span in hours.spans_on(day):
                opens = max(first, midnight + timedelta(minutes=span.start_min))
                closes = min(last, midnight + timedelta(minutes=span.end_min))
                if opens < closes:
                    found.append((opens - offset, closes - offset))
            day += timedelta(days=1)
    return _joined(found)


def common_moments(all_of: Iterable[Moments]) -> Moments:
    """Return the moments that are in every list; none of no lists."""
    lists = list(all_of)
    if not lists:
        return []
    common = lists[0]
    for other in lists[1:]:
        common = [
            (max(a, c), min(b, d))
            for a, b in common
            for c, d in other
            if max(a, c) < min(b, d)
        ]
    return common


def next_open(
    everywhere: Sequence[tuple[Hours, ZoneInfo]], at: datetime, *, days: int = 400
) -> tuple[datetime, datetime] | None:
    """Return the first moments from `at` on that are open everywhere, or `None`.

    What stands between is shut, and what begins before `at` is cut there. Looks a
    fortnight ahead at first, then as far as `days`.
    """
    if not everywhere:
        return None
    since = at.astimezone(UTC)
    limit = since + timedelta(days=days)
    while since < limit:
        until = min(since + timedelta(days=14), limit)
        found = common_moments(
            open_moments(hours, zone, since, until) for hours, zone in everywhere
        )
        if found:
            return found[0]
        since = until
    return None


def _steady(
    zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield the parts of a period in which the zone's clock is not moved."""
    start = since = since.astimezone(UTC)
    until = until.astimezone(UTC)
    offset = _offset(zone, since)
    while since < until:
        step = min(since + _STEP, until)
        if _offset(zone, step) != offset:
            step = _moved_at(zone, since, step)
            yield start, step, offset
            start, offset = step, _offset(zone, step)
        since = step
    yield start, until, offset


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _moved_at(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the second at which the clock was moved between two moments."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _joined(found: Moments) -> Moments:
    joined: Moments = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start_min <= merged[-1].end_min:
            last = merged.pop()
            span = Span(last.start_min, max(last.end_min, span.end_min))
        merged.append(span)
    return tuple(merged)


def _days_named(name: str) -> range:
    first, _dash, last = name.strip().lower().partition("-")
    names = [first, last or first]
    if any(one not in WEEKDAYS for one in names):
        raise BadWindow(
            f"“{name}” is no weekday. Use mon, tue, wed, thu, fri, sat, sun."
        )
    return range(WEEKDAYS.index(names[0]), WEEKDAYS.index(names[1]) + 1)


def _spans_of(day: str, value: Any) -> list[Span]:
    if not isinstance(value, list | tuple) or len(value) > _MAX_SPANS:
        raise BadWindow(f"{day}: give a list of spans such as [“09:00”, “17:00”].")
    return [_span_of(day, one) for one in value]


def _span_of(day: str, value: Any) -> Span:
    parts = value.split("-") if isinstance(value, str) else value
    if (
        not isinstance(parts, list | tuple)
        or len(parts) != 2
        or not all(isinstance(part, str) for part in parts)
    ):
        raise BadWindow(f"{day}: a span is two times, such as [“09:00”, “17:00”].")
    try:
        return Span(minute_of(parts[0]), minute_of(parts[1]))
    except BadWindow as error:
        raise BadWindow(f"{day}: {error}") from error
