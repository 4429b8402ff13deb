"""Credits are integers; prices round up, print exactly and read back."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from common.money import (
    format_credits,
    parse_credits,
    price_of_seconds,
    round_credits,
    seconds_affordable,
)

AMOUNTS = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("seconds", "price", "cost"),
    [
        (0, 1_000_000, 0),
        (1, 1_000_000, 16_667),
        (60, 1_000_000, 1_000_000),
        (9, 1, 1),
        (5, 0, 0),
    ],
)
def test_a_second_is_a_sixtieth_rounded_up(seconds: int, price: int, cost: int) -> None:
    assert price_of_seconds(seconds, price) == cost


@pytest.mark.parametrize(("seconds", "price"), [(-1, 1), (1, -1)])
def test_negative_time_or_price_is_refused(seconds: int, price: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        price_of_seconds(seconds, price)


@given(st.integers(0, 10**12), st.integers(1, 10**9))
def test_affordable_seconds_are_affordable_and_one_more_is_not(
    sum_: int, price: int
) -> None:
    seconds = seconds_affordable(sum_, price)
    assert seconds is not None
    # A whole microcredit of rounding is the most the two may differ.
    assert price_of_seconds(seconds, price) <= sum_ + 1
    assert price_of_seconds(seconds + 1, price) > sum_


def test_a_free_call_is_affordable_for_ever() -> None:
    assert seconds_affordable(0, 0) is None


def test_debt_affords_nothing() -> None:
    assert seconds_affordable(-5, 1) == 0


@given(AMOUNTS)
def test_what_is_printed_reads_back(amount: int) -> None:
    assert parse_credits(format_credits(amount)) == amount


@pytest.mark.parametrize("text", ["", "x", "NaN", "inf", "1.0000001", "1,5", "--1"])
def test_nonsense_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — each kind has its own words
        parse_credits(text)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(933_334, "0.93"), (995_000, "1.00"), (-5_000, "-0.01"), (0, "0.00")],
)
def test_a_quick_look_rounds_half_up(amount: int, text: str) -> None:
    assert round_credits(amount) == text
