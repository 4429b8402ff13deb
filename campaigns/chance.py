"""Whether two shares differ by more than chance, and what may honestly be said. Pure.

R. A. Fisher's exact test ("The design of experiments", 1935) of a table of two by two:
it holds for few people and for shares near 0, where the usual tests do not. Above ten
thousand people the z test of two shares says the same and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from common.local_numbers import local_number

CERTAIN: Final = 0.05
_EXACT_UP_TO: Final = 10_000
_Z: Final = 1.96  # of 95 % confidence
_POWER_Z: Final = 0.84  # of finding four differences of five
_SAME: Final = 1 + 1e-9  # equally likely, but for rounding


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: how many people, and how many reached the goal."""

    name: str
    people: int
    hits: int
    note: str = ""

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.people if self.people else 0.0

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies with 95 % confidence, in percent.

        E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", Journal of the American Statistical Association 22 (1927), 209-212:
        unlike the textbook's interval it holds for few people and for shares near 0.
        """
        if not self.people:
            return 0.0, 100.0
        n, p = self.people, self.hits / self.people
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        spread = math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
        half = _Z * spread / (1 + _Z * _Z / n)
        return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


class Finding(StrEnum):
    """What a comparison came to."""

    TOO_FEW = "too_few"  # no result these people could give would tell anything
    NONE = "none"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Comparison:
    """Two sides, and how likely chance alone gives a difference as large as theirs.

    `p_value` is two-sided and `None` when there are too few people for any. With several
    comparisons at once it is raised as `hold_together` says.
    """

    first: Arm
    second: Arm
    p_value: float | None

    @property
    def arms(self) -> tuple[Arm, Arm]:
        return self.first, self.second

    @property
    def finding(self) -> Finding:
        if self.p_value is None:
            return Finding.TOO_FEW
        return Finding.DIFFERENT if self.p_value < CERTAIN else Finding.NONE

    @property
    def is_significant(self) -> bool:
        return self.finding is Finding.DIFFERENT

    @property
    def better(self) -> Arm | None:
        """The side with the larger share, once the difference is no chance."""
        if not self.is_significant:
            return None
        return max(self.arms, key=lambda arm: arm.percent)

    @property
    def detectable_points(self) -> float | None:
        """The difference, in points of percent, that so many people show four times of five."""
        n1, n2 = self.first.people, self.second.people
        if not n1 or not n2:
            return None
        p = (self.first.hits + self.second.hits) / (n1 + n2)
        return 100 * (_Z + _POWER_Z) * math.sqrt(p * (1 - p) * (1 / n1 + 1 / n2))

    @property
    def text(self) -> str:
        """What may be said of the difference, and what may not."""
        match self.finding:
            case Finding.TOO_FEW:
                return _("Too few people are done to tell a difference from chance.")
            case Finding.NONE:
                return _(
                    "No difference is shown: chance alone gives one this large in "
                    "%(p)s %% of such comparisons. With so many people, differences "
                    "below about %(points)s points mostly stay hidden."
                ) % {
                    "p": _percent(self.p_value),
                    "points": local_number(f"{self.detectable_points or 0:.0f}"),
                }
        return _(
            "Chance alone would show a difference this large in %(p)s %% of such "
            "comparisons."
        ) % {"p": _percent(self.p_value)}


def _percent(p_value: float | None) -> str:
    percent = 100 * (p_value or 0.0)
    return (
        f"< {local_number('0.1')}" if percent < 0.1 else local_number(f"{percent:.1f}")
    )


def compare(first: Arm, second: Arm) -> Comparison:
    """Test whether the shares of two sides differ by more than chance."""
    n1, n2 = first.people, second.people
    hits = first.hits + second.hits
    if not n1 or not n2 or _least_p(n1, n2, hits) >= CERTAIN:
        return Comparison(first, second, None)
    if n1 + n2 > _EXACT_UP_TO:
        return Comparison(first, second, _z_test(first, second))
    return Comparison(first, second, fisher(first.hits, n1, second.hits, n2))


def fisher(hits_1: int, people_1: int, hits_2: int, people_2: int) -> float:
    """Return how likely tables as unlikely as this one are, if both shares are the same.

    Two-sided, by the usual rule: every table that is no likelier than this one counts.
    """
    hits = hits_1 + hits_2
    observed = _log_chance(hits_1, people_1, people_2, hits)
    limit = observed + math.log(_SAME)
    tables = range(max(0, hits - people_2), min(people_1, hits) + 1)
    chances = (_log_chance(k, people_1, people_2, hits) for k in tables)
    return min(1.0, math.fsum(math.exp(one) for one in chances if one <= limit))


def _log_chance(k: int, people_1: int, people_2: int, hits: int) -> float:
    """Return the logarithm of how likely the first side has `k` of all hits."""
    return (
        _log_choices(people_1, k)
        + _log_choices(people_2, hits - k)
        - _log_choices(people_1 + people_2, hits)
    )


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _least_p(people_1: int, people_2: int, hits: int) -> float:
    """Return the smallest p that so many people and hits can give at all."""
    if (
        people_1 + people_2 > _EXACT_UP_TO
        and min(hits, people_1 + people_2 - hits) > 50
    ):
        return 0.0
    ends = (max(0, hits - people_2), min(people_1, hits))
    return min(fisher(k, people_1, hits - k, people_2) for k in ends)


def _z_test(first: Arm, second: Arm) -> float:
    n1, n2 = first.people, second.people
    pooled = (first.hits + second.hits) / (n1 + n2)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    z = abs(first.hits / n1 - second.hits / n2) / error
    return math.erfc(z / math.sqrt(2))


def hold_together(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Raise the p values of comparisons made at once, so that chance fools us no oftener.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6 (1979), 65-70.
    """
    tested = sorted(
        (one.p_value, index)
        for index, one in enumerate(comparisons)
        if one.p_value is not None
    )
    held = list(comparisons)
    least = 0.0
    for place, (p_value, index) in enumerate(tested):
        least = max(least, min(1.0, p_value * (len(tested) - place)))
        held[index] = replace(comparisons[index], p_value=least)
    return held
