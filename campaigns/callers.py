"""Which number of a pool calls a person. Pure.

Numbers take turns: the one that has called least today is next. With local presence the
numbers that look most like the person's own go before, first those of the country, then
those of the area. A number that has made its calls of the day rests.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Generic, TypeVar

import phonenumbers

N = TypeVar("N", bound=Hashable)


@dataclass(frozen=True)
class PoolNumber(Generic[N]):
    """A number to call from: its name to us, E.164, and its calls of today."""

    key: N
    number: str
    calls_today: int


def choose_number(
    pool: Sequence[PoolNumber[N]],
    *,
    to: str,
    local_presence: bool,
    daily_cap: int | None,
) -> N | None:
    """Return the number that calls next, or `None` when all have made their calls."""
    rested = [n for n in pool if daily_cap is None or n.calls_today < daily_cap]
    if not rested:
        return None
    if local_presence:
        closeness = {n.key: closeness_of(n.number, to) for n in rested}
        best = max(closeness.values())
        rested = [n for n in rested if closeness[n.key] == best]
    return min(rested, key=lambda n: (n.calls_today, n.number)).key


def closeness_of(number: str, to: str) -> int:
    """Return how local a number looks: 0 abroad, else digits of the area they share.

    What counts is the area, which has up to three digits behind the country's.
    """
    code = _country_code(to)
    if not code or _country_code(number) != code:
        return 0
    pairs = zip(number[1 + len(code) :], to[1 + len(code) :], strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return 1 + min(shared, 3)


def _country_code(number: str) -> str:
    for length in (1, 2, 3):
        if int(number[1 : 1 + length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return number[1 : 1 + length]
    return ""
