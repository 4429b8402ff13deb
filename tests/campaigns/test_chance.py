"""What may be said of a difference: exact, honest about few people, and held together."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from campaigns.chance import Arm, Finding, compare, fisher, hold_together


@pytest.mark.parametrize(
    ("table", "p_value"),
    [
        # R. A. Fisher's lady tasting tea, and tables worked out by hand.
        ((3, 4, 1, 4), 34 / 70),
        ((4, 4, 0, 4), 2 / 70),
        ((1, 10, 9, 10), 202 / 184_756),
        ((0, 5, 0, 5), 1.0),
    ],
)
def test_the_exact_test_gives_the_known_values(
    table: tuple[int, int, int, int], p_value: float
) -> None:
    assert fisher(*table) == pytest.approx(p_value, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "finding", "says"),
    [
        ((10, 3), (10, 1), Finding.TOO_FEW, "Too few"),
        ((0, 0), (500, 100), Finding.TOO_FEW, "Too few"),
        ((400, 0), (400, 0), Finding.TOO_FEW, "Too few"),
        ((400, 100), (400, 104), Finding.NONE, "below about 9 points"),
        ((400, 100), (400, 150), Finding.DIFFERENT, "Chance alone would"),
        ((9_000, 900), (9_000, 1_100), Finding.DIFFERENT, "< 0.1 %"),
        ((9_000, 900), (9_000, 930), Finding.NONE, "No difference is shown"),
    ],
)
def test_a_difference_is_told_from_chance_only_with_enough_people(
    first: tuple[int, int], second: tuple[int, int], finding: Finding, says: str
) -> None:
    found = compare(Arm("A", *first), Arm("B", *second))
    assert found.finding is finding
    assert says in found.text
    better = found.better
    assert (better.name if better else None) == (
        "B" if finding is Finding.DIFFERENT else None
    )


@given(
    st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)
)
def test_sides_can_be_swapped_and_shares_lie_in_their_spans(
    people_1: int, hits_1: int, people_2: int, hits_2: int
) -> None:
    first = Arm("A", people_1, min(hits_1, people_1))
    second = Arm("B", people_2, min(hits_2, people_2))
    one, other = compare(first, second), compare(second, first)
    assert one.finding is other.finding
    if one.p_value is not None and other.p_value is not None:
        assert 0 <= one.p_value <= 1
        assert one.p_value == pytest.approx(other.p_value, rel=1e-6)
    for arm in one.arms:
        assert 0 <= arm.low <= arm.percent + 1e-9
        assert arm.percent - 1e-9 <= arm.high <= 100


def test_many_people_and_few_give_the_same_answer_where_both_tests_hold() -> None:
    small = compare(Arm("A", 4_990, 500), Arm("B", 4_990, 570))
    large = compare(Arm("A", 5_010, 502), Arm("B", 5_010, 572))
    assert small.p_value == pytest.approx(large.p_value, rel=0.15)


def test_looking_at_several_campaigns_at_once_is_held_to_a_stricter_measure() -> None:
    one = compare(Arm("A", 400, 100), Arm("B", 400, 125))
    assert one.p_value == pytest.approx(0.0574, abs=0.005)
    near = compare(Arm("A", 400, 100), Arm("C", 400, 128))
    assert near.finding is Finding.DIFFERENT
    clear = compare(Arm("A", 400, 100), Arm("D", 400, 190))
    few = compare(Arm("A", 400, 100), Arm("E", 1, 1))
    held = hold_together([one, near, clear, few])
    assert [found.finding for found in held] == [
        *(Finding.NONE, Finding.NONE, Finding.DIFFERENT, Finding.TOO_FEW)
    ]
    assert hold_together([near]) == [near]
