"""The charts' geometry: numbers to scale, nothing for nothing."""

from __future__ import annotations

from calls.session.events import TurnTiming
from portal import charts


def test_a_line_fills_its_box_from_lowest_to_highest():
    line = charts.line([0, 5, 10], 106, 26)
    assert line is not None
    assert line.points == "3.0,23.0 53.0,13.0 103.0,3.0"
    assert (line.last_x, line.last_y) == (103.0, 3.0)


def test_a_flat_line_stays_in_the_box():
    line = charts.line([4, 4], 100, 20)
    assert line is not None
    assert line.points == "3.0,17.0 97.0,17.0"


def test_one_number_is_no_line():
    assert charts.line([1], 100, 20) is None


def test_bars_stand_to_scale_on_one_base():
    rows = [{"label": "a", "value": 10}, {"label": "b", "value": 5}]
    chart = charts.bars(rows, 144)
    assert chart is not None
    high, low = chart.bars
    assert high.height == 2 * low.height == 100.0
    assert high.y + high.height == low.y + low.height == chart.base
    assert (high.middle, low.middle) == (25.0, 75.0)
    assert high.width == charts.WIDEST


def test_a_bar_above_zero_is_seen_and_one_of_zero_is_not():
    rows = [{"label": "a", "value": v} for v in (10_000, 1, 0)]
    chart = charts.bars(rows, 144)
    assert chart is not None
    assert [bar.height for bar in chart.bars] == [100.0, 2.0, 0.0]


def test_bars_of_nothing():
    assert charts.bars([], 100) is None
    chart = charts.bars([{"label": "a", "value": 0}], 100)
    assert chart is not None
    assert chart.is_empty
    assert chart.bars[0].height == 0.0


def test_the_parts_of_a_wait_lie_side_by_side():
    bar = charts.latency(
        TurnTiming(response_ms=1000, endpointing_ms=500, llm_ms=300, tts_ms=200)
    )
    assert bar is not None
    assert [(p.name, p.start_percent, p.width_percent) for p in bar.parts] == [
        ("endpointing", 0.0, 50.0),
        ("llm", 50.0, 30.0),
        ("tts", 80.0, 20.0),
    ]


def test_a_common_scale_makes_waits_comparable():
    bar = charts.latency({"response_ms": 500, "llm_ms": 500}, scale_ms=2000)
    assert bar is not None
    assert bar.parts[0].width_percent == 25.0


def test_parts_that_add_up_to_more_than_the_wait_still_fit():
    bar = charts.latency({"response_ms": 100, "stt_ms": 150, "llm_ms": 50})
    assert bar is not None
    assert bar.parts[-1].start_percent + bar.parts[-1].width_percent == 100.0


def test_no_timing_is_no_bar():
    assert charts.latency(None) is None


def test_a_funnel_tells_what_each_step_kept():
    rows = [
        {"label": name, "value": v}
        for name, v in zip("abcd", (20, 10, 0, 0), strict=True)
    ]
    steps = charts.funnel(rows)
    assert [step.percent for step in steps] == [100.0, 50.0, 0.0, 0.0]
    assert [step.kept_percent for step in steps] == [None, 50, 0, 0]


def test_kinds_are_drawn_against_the_greatest():
    rows = [{"label": "a", "value": 40}, {"label": "b", "value": 10}]
    assert [row.percent for row in charts.ranked(rows)] == [100.0, 25.0]
    assert charts.ranked([]) == []
    assert charts.ranked([{"label": "a", "value": 0}])[0].percent == 0.0


def test_a_funnel_of_nothing_divides_by_nothing():
    assert charts.funnel([]) == []
    assert charts.funnel([{"label": "a", "value": 0}])[0].percent == 0.0


def test_a_month_of_days_names_as_many_as_fit_and_always_the_last():
    drawn = charts.bars([{"label": str(n), "value": n} for n in range(30)], 180)
    assert drawn is not None
    named = [bar.label for bar in drawn.bars if bar.shows_label]
    assert len(named) <= charts.LABELS
    assert named[-1] == "29"
    narrow = [bar.label for bar in drawn.bars if bar.shows_when_narrow]
    assert len(narrow) <= charts.FEW_LABELS
    assert narrow[-1] == "29"
    week = charts.bars([{"label": str(n), "value": n} for n in range(7)], 180)
    assert week is not None
    assert all(bar.shows_label for bar in week.bars)
