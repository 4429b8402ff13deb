"""What the bench makes of its measurements."""

from __future__ import annotations

import json

import pytest

from bench.figures import Figure, all_met, median, ratio, table


def test_a_ratio_is_taken_within_each_round_before_the_middle_one():
    assert ratio([10, 20, 60], [10, 10, 20]) == (2.0, 1.0, 3.0)


def test_a_round_without_the_other_counts_for_no_ratio():
    assert ratio([10, 20], [5, None]) == (2.0, 2.0, 2.0)
    assert ratio([10, 20], []) == (None, None, None)


def test_the_middle_of_nothing_is_nothing():
    assert median([None]) is None
    assert median([3.14159, None]) == 3.14


@pytest.mark.parametrize(
    ("parts", "met"),
    [
        ((True, True), True),
        ((True, None), None),
        ((None, False), False),
    ],
)
def test_a_goal_is_met_when_all_of_it_is_known_to_be(parts, met):
    assert all_met(*parts) is met


def test_the_table_says_what_is_not_met():
    figure = Figure("calls", "of a core", ours=3.0, goal="at least 4", met=False)
    shown = table([json.loads(json.dumps(figure.as_json()))])
    assert "calls, of a core" in shown
    assert shown.endswith("NOT MET")
