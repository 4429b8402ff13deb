"""Hours of the week, in every zone and in the nights the clock is moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from common.days_off import holiday_countries, is_holiday, known_region
from common.windows import (
    WHOLE_WEEK,
    BadWindow,
    Hours,
    Span,
    Week,
    common_moments,
    every_day,
    is_open,
    minute_of,
    next_open,
    open_moments,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NEW_YORK = ZoneInfo("America/New_York")
HONOLULU = ZoneInfo("Pacific/Honolulu")
NINE_TO_FIVE = Hours(every_day(9 * 60, 17 * 60))

minutes = st.integers(0, 1440)
spans = st.lists(minutes, min_size=2, max_size=2, unique=True).map(
    lambda pair: Span(min(pair), max(pair))
)
weeks = st.lists(st.lists(spans, max_size=3), min_size=7, max_size=7).map(Week.of)
zones = st.sampled_from(
    [
        "Europe/Amsterdam",
        "America/New_York",
        "Australia/Lord_Howe",  # moves by half an hour
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "America/St_Johns",
        "Pacific/Apia",
        "UTC",
    ]
).map(ZoneInfo)
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_week_is_read_and_written_the_same() -> None:
    written = {
        "mon": [["09:00", "12:00"], ["13:00", "17:30"]],
        "sun": [["00:00", "24:00"]],
    }
    assert Week.parse(written).as_json() == written
    short = Week.parse({"mon-fri": ["09:00-12:00"], "sat": [["10:00", "23:59:59"]]})
    assert short.days[4] == (Span(540, 720),)
    assert short.days[5] == (Span(600, 1440),)
    assert short.days[6] == ()
    assert short.minutes == 5 * 180 + 840


def test_spans_that_touch_become_one() -> None:
    week = Week.parse(
        {"mon": [["13:00", "17:00"], ["09:00", "13:00"], ["10:00", "11:00"]]}
    )
    assert week.days[0] == (Span(540, 1020),)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "object of weekdays"),
        ({"monday": []}, "no weekday"),
        ({"mon": "09:00"}, "list of spans"),
        ({"mon": [["09:00"]]}, "two times"),
        ({"mon": [[9, 17]]}, "two times"),
        ({"mon": [["17:00", "09:00"]]}, "ends after it starts"),
        ({"mon": [["09:00", "25:00"]]}, "no time of day"),
        ({"mon": [["09:00", "9"]]}, "no time of day"),
        ({"mon": [["09:00", "09:00"]]}, "ends after it starts"),
        ({"mon": [["01:00", "02:00"]] * 13}, "list of spans"),
    ],
)
def test_hours_that_make_no_sense_are_named(value: object, says: str) -> None:
    with pytest.raises(BadWindow, match=says):
        Week.parse(value)


def test_the_last_second_of_a_day_is_its_end() -> None:
    assert minute_of("23:59:59") == 1440
    assert minute_of("17:00:00") == 1020
    assert str(Span(540, 1440)) == "09:00-24:00"


def test_a_week_with_one_span_says_so() -> None:
    assert every_day(540, 1020).one_span == Span(540, 1020)
    assert Week.parse({"mon": ["09:00-17:00"]}).one_span is None


@given(weeks, weeks, zones, moments)
def test_what_both_allow_is_what_each_allows(
    first: Week, second: Week, zone: ZoneInfo, at: datetime
) -> None:
    both = is_open(Hours(first & second), zone, at)
    assert both == (
        is_open(Hours(first), zone, at) and is_open(Hours(second), zone, at)
    )


@settings(max_examples=200, deadline=None)
@given(weeks, zones, moments, st.integers(0, 4 * 24 * 60))
def test_moments_and_the_clock_on_the_wall_agree(
    week: Week, zone: ZoneInfo, since: datetime, later_min: int
) -> None:
    hours, at = Hours(week), since + timedelta(minutes=later_min)
    found = open_moments(hours, zone, since, since + timedelta(days=5))
    assert any(a <= at < b for a, b in found) == is_open(hours, zone, at)
    assert all(a < b for a, b in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))


@settings(max_examples=60, deadline=None)
@given(weeks, zones, zones, moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    week: Week, one: ZoneInfo, other: ZoneInfo, at: datetime
) -> None:
    hours = Hours(week)
    found = next_open([(hours, one), (hours, other)], at, days=15)
    probes = [at + timedelta(minutes=17 * n) for n in range(14 * 24 * 60 // 17)]
    if found is None:
        assert not any(
            is_open(hours, one, p) and is_open(hours, other, p) for p in probes
        )
        return
    assert found[0] >= at
    assert is_open(hours, one, found[0])
    assert is_open(hours, other, found[0])
    early = [p for p in probes if p < found[0]]
    assert not any(is_open(hours, one, p) and is_open(hours, other, p) for p in early)


def test_the_night_an_hour_is_left_out_opens_nothing_in_it() -> None:
    night = Hours(every_day(2 * 60, 3 * 60))  # exists on every night but this
    found = open_moments(
        night, AMSTERDAM, utc("2026-03-28T12:00"), utc("2026-03-30T12:00")
    )
    assert found == [(utc("2026-03-30T00:00"), utc("2026-03-30T01:00"))]


def test_the_night_an_hour_comes_twice_opens_twice() -> None:
    night = Hours(every_day(2 * 60, 2 * 60 + 30))
    found = open_moments(
        night, AMSTERDAM, utc("2026-10-24T12:00"), utc("2026-10-25T12:00")
    )
    assert found == [
        (utc("2026-10-25T00:00"), utc("2026-10-25T00:30")),
        (utc("2026-10-25T01:00"), utc("2026-10-25T01:30")),
    ]


def test_nine_is_nine_after_the_clock_was_moved() -> None:
    before = next_open([(NINE_TO_FIVE, AMSTERDAM)], utc("2026-03-28T00:00"))
    after = next_open([(NINE_TO_FIVE, AMSTERDAM)], utc("2026-03-29T00:00"))
    assert before is not None
    assert after is not None
    assert before[0] == utc("2026-03-28T08:00")
    assert after[0] == utc("2026-03-29T07:00")


def test_all_places_a_number_may_be_at_must_be_open() -> None:
    both = [(NINE_TO_FIVE, NEW_YORK), (NINE_TO_FIVE, HONOLULU)]
    found = next_open(both, utc("2026-11-26T12:00"))
    # Nine in Honolulu is 19:00 UTC, five in New York 22:00.
    assert found == (utc("2026-11-26T19:00"), utc("2026-11-26T22:00"))
    assert (
        next_open(
            [(NINE_TO_FIVE, ZoneInfo("Asia/Tokyo")), (NINE_TO_FIVE, NEW_YORK)],
            utc("2026-11-26T12:00"),
            days=30,
        )
        is None
    )


def test_nowhere_and_never_are_never_open() -> None:
    assert next_open([], utc("2026-11-26T12:00")) is None
    assert (
        next_open(
            [(Hours(Week.of([[]] * 7)), AMSTERDAM)], utc("2026-11-26T12:00"), days=20
        )
        is None
    )
    assert common_moments([]) == []


def test_days_off_and_holidays_are_closed_and_say_why() -> None:
    christmas = date(2026, 12, 25)
    hours = Hours(
        Week.parse({"mon-fri": ["09:00-17:00"]}),
        days_off=frozenset({date(2026, 12, 24)}),
        holidays=frozenset({"NL"}),
        first_day=date(2026, 12, 21),
        last_day=date(2026, 12, 31),
    )
    why = {
        day: hours.closed_because(date(2026, 12, day)) for day in (20, 22, 24, 25, 27)
    }
    assert why == {
        20: "before_start",
        22: "",
        24: "day_off",
        25: "holiday",
        27: "weekday",
    }
    assert hours.closed_because(date(2027, 1, 1)) == "after_end"
    assert not is_open(hours, AMSTERDAM, utc("2026-12-25T10:00"))
    assert is_holiday("NL", christmas)
    found = next_open([(hours, AMSTERDAM)], utc("2026-12-24T00:00"))
    assert found is not None
    assert found[0] == utc("2026-12-28T08:00")


def test_holidays_are_known_by_country_and_state() -> None:
    assert known_region("NL")
    assert known_region("US-TX")
    assert not known_region("US-XX")
    assert not known_region("ZZ")
    assert not is_holiday("ZZ", date(2026, 12, 25))
    assert is_holiday("US-XX", date(2026, 12, 25))
    assert "NL" in holiday_countries()


def test_the_whole_week_is_always_open() -> None:
    assert WHOLE_WEEK.minutes == 7 * 1440
    at = utc("2026-11-26T12:00")
    assert next_open([(Hours(), AMSTERDAM)], at) == (at, at + timedelta(days=14))
