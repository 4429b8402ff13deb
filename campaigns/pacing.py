"""How many calls a campaign may start now. Pure. Exactly when is `calls.telephony.pace`.

Places are shared by weight: who asks for less than a share leaves the rest to the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

MAX_BATCH: Final = 200  # what one claim takes at most

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Limit:
    """Places of one kind: all of them, those in use, and those campaigns use.

    `reserved_percent` of the places stay free for calls that come in or are started by
    hand. Of a single place nothing is reserved.
    """

    places: int
    in_use: int
    by_campaigns: int
    reserved_percent: int = 0

    @property
    def free(self) -> int:
        """How many more calls campaigns may start here."""
        reserved = self.places * self.reserved_percent // 100
        return max(
            0,
            min(self.places - self.in_use, self.places - reserved - self.by_campaigns),
        )


def calls_to_start(*limits: Limit, at_most: int = MAX_BATCH) -> int:
    """Return how many calls may be added without passing any limit."""
    return max(0, min([at_most, *(limit.free for limit in limits)]))


@dataclass(frozen=True)
class Claim:
    """What one campaign has open, how many more it could use, and its weight."""

    weight: int
    open: int
    wanted: int


def fair_shares(free: int, claims: Mapping[K, Claim]) -> dict[K, int]:
    """Divide free places so that open calls are as equal as the weights allow.

    Place by place to the claim with the fewest calls for its weight that wants more;
    what one leaves, the others get. Ties go to the first.
    """
    given = dict.fromkeys(claims, 0)
    for _ in range(free):
        hungry = [k for k, claim in claims.items() if given[k] < claim.wanted]
        if not hungry:
            break
        best = min(
            hungry, key=lambda k: (claims[k].open + given[k] + 1) / claims[k].weight
        )
        given[best] += 1
    return given


@dataclass(frozen=True)
class Health:
    """How the last attempts of a campaign went."""

    attempts: int
    failures: int

    @property
    def failure_percent(self) -> int:
        return 100 * self.failures // self.attempts if self.attempts else 0


BREAKER_WINDOW_S: Final = 120
BREAKER_ATTEMPTS: Final = 5
BREAKER_PERCENT: Final = 50


def must_break(health: Health) -> bool:
    """Whether so many of the last attempts failed that going on would do harm."""
    return (
        health.attempts >= BREAKER_ATTEMPTS
        and health.failures * 100 >= BREAKER_PERCENT * health.attempts
    )


def within_budget(
    *, budget: int | None, spent: int, open_calls: int, each: int, wanted: int
) -> int:
    """Return how many of the wanted calls a budget still pays for.

    Calls going on count with what one is expected to cost, so that the cap is passed
    by no more than what they last longer than that.
    """
    if budget is None:
        return wanted
    left = budget - spent - open_calls * each
    if each <= 0:
        return wanted if left > 0 else 0
    return max(0, min(wanted, left // each))
