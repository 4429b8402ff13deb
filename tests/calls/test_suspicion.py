"""What looks like fraud, and what does not."""

from __future__ import annotations

import pytest

from calls.suspicion import Seen, Suspicion, suspicions


def is_home(country: str) -> bool:
    return country == "NL"


def out(number: str, seconds: float | None = 60) -> Seen:
    return Seen(number, True, seconds)


def spread(count: int, start: int = 31612000000, step: int = 1_000) -> list[Seen]:
    return [out(f"+{start + n * step}") for n in range(count)]


def test_an_ordinary_hour_is_nothing() -> None:
    assert suspicions(spread(500), is_home) == []


@pytest.mark.parametrize(("count", "is_told"), [(9, False), (10, True)])
def test_a_country_never_called_before(count: int, is_told: bool) -> None:
    calls = spread(count, start=37120000000)
    found = suspicions([*spread(50), *calls], is_home)
    assert found == ([Suspicion("new_country", "LV", count)] if is_told else [])
    assert suspicions(calls, lambda country: True) == []


@pytest.mark.parametrize(("count", "is_told"), [(14, False), (15, True)])
def test_many_numbers_of_one_block(count: int, is_told: bool) -> None:
    calls = spread(count, start=31612345600, step=1)
    found = suspicions(calls, is_home)
    expected = [Suspicion("number_block", "+316123456", count)] if is_told else []
    assert found == expected


def test_the_same_number_again_is_no_block() -> None:
    assert suspicions([out("+31612345600")] * 40, is_home) == []


def test_calls_cut_as_soon_as_they_are_answered() -> None:
    short = [out(f"+3161{n:07d}", 3) for n in range(0, 20_000_00, 100_000)]
    assert suspicions(short, is_home) == [Suspicion("short_calls", "", 20)]
    assert suspicions([*short, *spread(6)], is_home) == []
    unanswered = [Seen(call.number, True, None) for call in short]
    assert suspicions(unanswered, is_home) == []


def test_one_caller_again_and_again() -> None:
    rings = [Seen("+31688888888", False, 40)] * 30
    assert suspicions(rings, is_home) == [Suspicion("one_caller", "+31688888888", 30)]
    assert suspicions(rings[1:], is_home) == []
    withheld = [Seen("", False, 40)] * 60
    assert suspicions(withheld, is_home) == []
