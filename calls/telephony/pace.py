"""At which moments calls may start on a trunk. Pure.

Starts are spread evenly: each gets a moment of its own, at least a spacing after the one
before, whoever asks and however many processes there are. So no burst comes about, and
no second and no five seconds ever hold more starts than the trunk allows. Who comes
later than `GRACE_S` gives the moment up and asks for another; the spacing leaves that
much room, which costs less than a twentieth of the rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

GRACE_S: Final = 0.04
HORIZON_S: Final = 4.0  # how far ahead moments are given out


@dataclass(frozen=True)
class Rate:
    """Starts a trunk allows in any second and in any five; `None` is no limit."""

    per_s: float | None = None
    per_5s: float | None = None

    @property
    def spacing_s(self) -> float:
        """Seconds between two starts; 0 when there is no limit."""
        spacings = [0.0]
        if self.per_s is not None:
            spacings.append((1 + GRACE_S) / self.per_s)
        if self.per_5s is not None:
            spacings.append((5 + GRACE_S) / self.per_5s)
        return max(spacings)


@dataclass(frozen=True)
class Starts:
    """Moments given out, as seconds of the epoch; `next_s` is the first one left."""

    at_s: tuple[float, ...]
    next_s: float


def give_starts(
    rate: Rate,
    *,
    next_s: float,
    now_s: float,
    wanted: int,
    horizon_s: float = HORIZON_S,
) -> Starts:
    """Give out up to `wanted` moments from now until the horizon.

    A `next_s` beyond the horizon is a clock that has been put back: it counts as now.
    """
    spacing_s = rate.spacing_s
    if spacing_s == 0:
        return Starts((now_s,) * wanted, now_s)
    if next_s > now_s + 2 * horizon_s + spacing_s:
        next_s = now_s + spacing_s
    at_s = max(now_s, next_s)
    found: list[float] = []
    while len(found) < wanted and at_s < now_s + horizon_s:
        found.append(at_s)
        at_s += spacing_s
    return Starts(tuple(found), at_s)


def starts_left(
    rate: Rate, *, next_s: float, now_s: float, horizon_s: float = HORIZON_S
) -> int | None:
    """Return how many moments `give_starts` would give out; `None` is no limit."""
    if rate.spacing_s == 0:
        return None
    if next_s > now_s + 2 * horizon_s + rate.spacing_s:
        next_s = now_s + rate.spacing_s
    left_s = now_s + horizon_s - max(now_s, next_s)
    return max(0, ceil(left_s / rate.spacing_s))


def is_late(dial_s: float, now_s: float) -> bool:
    """Whether a moment has passed, or lies so far ahead that a clock was put back."""
    return not -GRACE_S <= dial_s - now_s <= 3 * HORIZON_S
