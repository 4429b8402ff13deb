"""Whether and when a lead is tried again. Pure.

One budget over all outcomes: an attempt that reached the network counts, whatever came
of it, so nobody's telephone rings more often than the campaign allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.outcomes import Outcome


@dataclass(frozen=True)
class RetryRule:
    """`max_attempts` for each lead, `delay_s` between the end of one and the next."""

    max_attempts: int
    delay_s: int


@dataclass(frozen=True)
class Reached:
    """The lead is done: somebody was spoken to."""


@dataclass(frozen=True)
class GivenUp:
    """The lead is done: the budget is spent."""


@dataclass(frozen=True)
class TryAgain:
    """The lead is due again at `at`."""

    at: datetime


def after(
    outcome: Outcome, *, attempts_made: int, rule: RetryRule, now: datetime
) -> Reached | GivenUp | TryAgain:
    """Return what becomes of a lead after an attempt that ended now."""
    if outcome is Outcome.ANSWERED:
        return Reached()
    if attempts_made >= rule.max_attempts:
        return GivenUp()
    return TryAgain(now + timedelta(seconds=rule.delay_s))
