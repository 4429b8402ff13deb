"""Whether and when a lead is tried again. Pure.

One budget over all rules: an attempt that reached the network counts, whatever came of
it, so nobody's telephone rings more often than the campaign allows. A rule says of one
outcome how long to wait, how often it may come, and whether to try at another time of
the day. What a person asked for, a callback, goes before every rule but the budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.outcomes import RETRIED, Outcome

DAY_MIN: Final = 24 * 60
MAX_DELAY_S: Final = 30 * 86_400
DISPOSITION: Final = "disposition:"


class BadRule(ValueError):
    """A rule that makes no sense; the message says why."""


@dataclass(frozen=True)
class Rule:
    """What follows one outcome.

    `delays_s` are the waits after its first, second … time; the last one goes on.
    `max_times` of this outcome end the lead before the budget does; 0 ends it at once.
    `shift_min` is how far the next try's time of day is from this one's, at least.
    """

    delays_s: tuple[int, ...]
    max_times: int | None = None
    shift_min: int = 0

    def __post_init__(self) -> None:
        if not self.delays_s or not all(0 <= d <= MAX_DELAY_S for d in self.delays_s):
            raise BadRule("A delay is between 0 seconds and 30 days.")
        if self.max_times is not None and not 0 <= self.max_times <= 100:
            raise BadRule("An outcome may come between 0 and 100 times.")
        if not 0 <= self.shift_min <= DAY_MIN // 2:
            raise BadRule("The time of day is shifted by at most 720 minutes.")

    @property
    def counts_times(self) -> bool:
        """Whether it matters how often the outcome has come."""
        return len(self.delays_s) > 1 or self.max_times is not None

    def delay_s(self, time: int) -> int:
        """Return the wait after this outcome has come for the n-th time."""
        return self.delays_s[min(time, len(self.delays_s)) - 1]


@dataclass(frozen=True)
class RetryPolicy:
    """`max_attempts` for each lead over all rules; a rule by outcome, else `default`."""

    max_attempts: int
    default: Rule
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def rule_for(self, outcome: str, disposition: str = "") -> Rule | None:
        """Return the rule that follows, or `None` when this ends the lead.

        A disposition's own rule goes before the outcome's.
        """
        found = self.named(disposition) or self.rules.get(outcome)
        if found is None and outcome in RETRIED:
            found = self.default
        return found

    def named(self, disposition: str) -> Rule | None:
        """Return the rule of a disposition, or `None`."""
        return self.rules.get(f"{DISPOSITION}{disposition}") if disposition else None


@dataclass(frozen=True)
class Reached:
    """The lead is done: somebody was spoken to."""


@dataclass(frozen=True)
class GivenUp:
    """The lead is done; `because` is `budget` or `rule`."""

    because: str = "budget"


@dataclass(frozen=True)
class TryAgain:
    """The lead is due again at `at`."""

    at: datetime


@dataclass(frozen=True)
class Ended:
    """An attempt that is over.

    `times` counts this outcome of the lead, this one too; `disposition_times` its
    disposition.
    """

    outcome: Outcome
    attempts_made: int
    started_at: datetime
    times: int = 1
    disposition: str = ""
    disposition_times: int = 1
    callback_at: datetime | None = None
    zone: ZoneInfo | None = None


def after(
    ended: Ended, *, policy: RetryPolicy, now: datetime
) -> Reached | GivenUp | TryAgain:
    """Return what becomes of a lead after an attempt that ended now."""
    if ended.callback_at is not None:
        if ended.attempts_made >= policy.max_attempts:
            return GivenUp()
        return TryAgain(max(ended.callback_at, now))
    rule = policy.rule_for(ended.outcome, ended.disposition)
    if rule is None:
        return Reached()
    if ended.attempts_made >= policy.max_attempts:
        return GivenUp()
    is_named = policy.named(ended.disposition) is not None
    times = ended.disposition_times if is_named else ended.times
    if rule.max_times is not None and times > rule.max_times:
        return GivenUp("rule")
    due = now + timedelta(seconds=rule.delay_s(times))
    return TryAgain(shifted(due, ended.started_at, rule.shift_min, ended.zone))


def shifted(
    due: datetime, before: datetime, shift_min: int, zone: ZoneInfo | None
) -> datetime:
    """Return the first moment from `due` on whose time of day is that far from `before`'s.

    On the clock at the person's place; without one, where an hour is an hour, in UTC.
    """
    if shift_min == 0:
        return due
    apart = (_minute(due, zone) - _minute(before, zone)) % DAY_MIN
    if shift_min <= apart <= DAY_MIN - shift_min:
        return due
    return due + timedelta(minutes=(shift_min - apart) % DAY_MIN)


def _minute(at: datetime, zone: ZoneInfo | None) -> int:
    local = at.astimezone(zone) if zone else at
    return local.hour * 60 + local.minute


def parse_rules(value: object) -> dict[str, Rule]:
    """Read `{"busy": {"delays_seconds": [300], "max_times": 3, "shift_minutes": 180}}`.

    Raises `BadRule` naming what is wrong.
    """
    if not isinstance(value, Mapping):
        raise BadRule("Give the rules as an object of outcomes.")
    return {str(name): _rule(str(name), rule) for name, rule in value.items()}


def rules_json(rules: Mapping[str, Rule]) -> dict[str, dict[str, Any]]:
    """Return what `parse_rules` reads."""
    return {
        name: {
            "delays_seconds": list(rule.delays_s),
            "max_times": rule.max_times,
            "shift_minutes": rule.shift_min,
        }
        for name, rule in rules.items()
    }


def _rule(name: str, value: object) -> Rule:
    if name not in set(Outcome) and not name.startswith(DISPOSITION):
        known = ", ".join(sorted(Outcome))
        raise BadRule(
            f"{name}: there is no such outcome. Use {known} or disposition:…."
        )
    if not isinstance(value, Mapping) or not isinstance(
        value.get("delays_seconds"), list
    ):
        raise BadRule(f"{name}: give delays_seconds, a list of seconds.")
    if unknown := set(value) - {"delays_seconds", "max_times", "shift_minutes"}:
        raise BadRule(f"{name}: {', '.join(sorted(map(str, unknown)))} is not known.")
    numbers = [*value["delays_seconds"], value.get("shift_minutes") or 0]
    numbers += [value["max_times"]] if value.get("max_times") is not None else []
    if any(type(number) is not int for number in numbers):
        raise BadRule(f"{name}: give whole numbers.")
    try:
        return Rule(
            tuple(value["delays_seconds"]),
            value.get("max_times"),
            value.get("shift_minutes") or 0,
        )
    except BadRule as error:
        raise BadRule(f"{name}: {error}") from error
