"""How many calls may start, when exactly, and whose turn it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from calls.telephony.pace import GRACE_S, Rate, give_starts, is_late
from campaigns.callers import PoolNumber, choose_number, closeness_of
from campaigns.pacing import (
    Claim,
    Health,
    Limit,
    calls_to_start,
    fair_shares,
    must_break,
    within_budget,
)

COUNT = st.integers(0, 1_000)


def most_in(starts: list[float], window_s: float) -> int:
    """The greatest number of starts in any window of this length, ends half open."""
    ordered = sorted(starts)
    return max(
        (
            sum(1 for at in ordered if start <= at < start + window_s)
            for start in ordered
        ),
        default=0,
    )


@given(
    st.sampled_from([1, 2, 3, 5, 10, 17, 30]),
    st.none() | st.sampled_from([5, 8, 20, 40]),
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 20)), min_size=1, max_size=12),
    st.lists(st.floats(0, GRACE_S * 0.999), min_size=10, max_size=10),
)
def test_no_second_and_no_five_ever_hold_too_many_starts(
    per_s: int,
    per_5s: int | None,
    asks: list[tuple[float, int]],
    lateness_s: list[float],
) -> None:
    rate = Rate(per_s, per_5s)
    now_s = next_s = 1_000_000.0
    starts: list[float] = []
    for wait_s, wanted in asks:
        now_s += wait_s
        given_out = give_starts(rate, next_s=next_s, now_s=now_s, wanted=wanted)
        next_s = given_out.next_s
        starts += given_out.at_s
        assert all(now_s <= at <= now_s + 4 + rate.spacing_s for at in given_out.at_s)
    late = [at + lateness_s[n % 10] for n, at in enumerate(starts)]
    assert most_in(late, 1.0) <= per_s
    assert most_in(late, 5.0) <= (per_5s or 5 * per_s)


@pytest.mark.parametrize("rate", [Rate(1), Rate(50), Rate(10, 25), Rate(None, 5)])
def test_at_least_95_percent_of_the_rate_is_used(rate: Rate) -> None:
    limits = [r for r in (rate.per_s, rate.per_5s and rate.per_5s / 5) if r]
    next_s = 0.0
    starts: list[float] = []
    for tick in range(100):
        given_out = give_starts(rate, next_s=next_s, now_s=tick * 2.0, wanted=1_000)
        starts += given_out.at_s
        next_s = given_out.next_s
    used = (len(starts) - 1) / (starts[-1] - starts[0])
    assert 0.95 * min(limits) <= used <= min(limits)
    assert all(b - a >= rate.spacing_s - 1e-9 for a, b in pairwise(starts))


def test_without_a_limit_all_start_at_once() -> None:
    assert give_starts(Rate(), next_s=5, now_s=7, wanted=3).at_s == (7, 7, 7)


def test_who_is_late_or_far_too_early_has_no_moment() -> None:
    assert not is_late(100.0, 100.0)
    assert not is_late(100.0, 100.0 + GRACE_S / 2)
    assert is_late(100.0, 100.0 + 2 * GRACE_S)
    assert is_late(100.0, 80.0)


def test_a_clock_that_was_put_back_does_not_stop_the_line() -> None:
    given_out = give_starts(Rate(1), next_s=90_000, now_s=50, wanted=1)
    assert given_out.at_s == (51.04,)


@given(COUNT, COUNT, st.integers(0, 100), COUNT, COUNT)
def test_no_limit_is_ever_passed(
    places: int, in_use: int, reserved: int, others: int, by_campaigns: int
) -> None:
    limits = [
        Limit(places, in_use, min(by_campaigns, in_use), reserved),
        Limit(others, by_campaigns, by_campaigns),
    ]
    added = calls_to_start(*limits, at_most=25)
    assert 0 <= added <= 25
    if added:
        assert in_use + added <= places
        assert by_campaigns + added <= others
        kept = places * reserved // 100
        assert min(by_campaigns, in_use) + added <= places - kept


def test_a_share_stays_free_for_calls_that_come_in() -> None:
    assert Limit(10, 0, 0, reserved_percent=20).free == 8
    assert Limit(10, 8, 8, reserved_percent=20).free == 0
    assert Limit(10, 9, 3, reserved_percent=20).free == 1
    assert Limit(1, 0, 0, reserved_percent=20).free == 1


claims = st.dictionaries(
    st.integers(),
    st.builds(Claim, st.integers(1, 5), st.integers(0, 20), st.integers(0, 30)),
    max_size=6,
)


@given(st.integers(0, 60), claims)
def test_nothing_is_wasted_and_nobody_gets_more_than_wanted(
    free: int, wanted: dict[int, Claim]
) -> None:
    given_out = fair_shares(free, wanted)
    assert sum(given_out.values()) == min(free, sum(c.wanted for c in wanted.values()))
    assert all(0 <= given_out[k] <= claim.wanted for k, claim in wanted.items())


def test_places_are_shared_by_weight() -> None:
    three_to_one = {"a": Claim(3, 0, 99), "b": Claim(1, 0, 99)}
    assert fair_shares(8, three_to_one) == {"a": 6, "b": 2}
    catching_up = {"a": Claim(1, 6, 99), "b": Claim(1, 0, 99)}
    assert fair_shares(6, catching_up) == {"a": 0, "b": 6}
    modest = {"a": Claim(1, 0, 1), "b": Claim(1, 0, 99)}
    assert fair_shares(6, modest) == {"a": 1, "b": 5}
    assert fair_shares(3, {}) == {}


def test_the_breaker_needs_enough_attempts_and_enough_failures() -> None:
    assert not must_break(Health(4, 4))
    assert not must_break(Health(10, 4))
    assert must_break(Health(10, 5))
    assert Health(3, 2).failure_percent == 66
    assert Health(0, 0).failure_percent == 0


def test_a_budget_pays_for_so_many_calls() -> None:
    def calls(
        budget: int | None, spent: int, open_calls: int = 0, each: int = 10
    ) -> int:
        return within_budget(
            budget=budget, spent=spent, open_calls=open_calls, each=each, wanted=5
        )

    assert calls(None, 10**9) == 5
    assert calls(100, 0) == 5
    assert calls(100, 60, 1) == 3
    assert calls(100, 95) == 0
    assert calls(100, 120) == 0
    assert (calls(100, 99, each=0), calls(100, 100, each=0)) == (5, 0)


def pool(*numbers: tuple[str, int]) -> list[PoolNumber[str]]:
    return [PoolNumber(number, number, made) for number, made in numbers]


def test_numbers_take_turns() -> None:
    made = {"+31201111111": 0, "+31101111111": 0}
    for _ in range(10):
        chosen = choose_number(
            pool(*made.items()), to="+31612345678", local_presence=False, daily_cap=None
        )
        assert chosen is not None
        made[chosen] += 1
    assert set(made.values()) == {5}


def test_a_number_that_looks_local_goes_first_until_it_has_made_its_calls() -> None:
    numbers = pool(("+31201111111", 4), ("+31101111111", 0), ("+4930111111", 0))

    def chosen(to: str, cap: int | None = None) -> str | None:
        return choose_number(numbers, to=to, local_presence=True, daily_cap=cap)

    assert chosen("+31209999999") == "+31201111111"
    assert chosen("+31209999999", cap=4) == "+31101111111"
    assert chosen("+49301234567") == "+4930111111"
    assert chosen("+33123456789") == "+31101111111"
    assert chosen("+33123456789", cap=0) is None


def test_what_looks_local_is_the_area_not_the_person() -> None:
    assert closeness_of("+12125550000", "+12125551234") == 4
    assert closeness_of("+12125550000", "+13055551234") == 1
    assert closeness_of("+31201234567", "+12125551234") == 0
    assert closeness_of("+9990", "+99912") == 0
    assert closeness_of("+3542222", "+3542333") == 2
