"""The hours the law sets, by country and state, and what the strictest reading of it is. Pure.

The table that is shipped (`data/legal_hours.toml`) is no legal advice; the operator's own
rows go before its rows. `LegalTable.version` names exactly the rules that were in force,
and stands in every decision record.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property, reduce
from pathlib import Path
from typing import Any, Final

from common.windows import Hours, Week

_SHIPPED: Final = Path(__file__).parent / "data" / "legal_hours.toml"
ANYWHERE: Final = "*"


@dataclass(frozen=True)
class LegalRule:
    """What holds for calls to one country or state; `""` is the country as a whole."""

    country: str
    week: Week
    state: str = ""
    closed_on_holidays: bool = False
    max_a_day: int | None = None
    needs_consent: bool = False
    source: str = ""

    @property
    def region(self) -> str:
        return f"{self.country}-{self.state}" if self.state else self.country


@dataclass(frozen=True)
class LegalLimits:
    """What holds for one place: the strictest of every rule that may apply."""

    hours: Hours
    max_a_day: int | None
    needs_consent: bool
    regions: tuple[str, ...]


@dataclass(frozen=True)
class LegalTable:
    """Rules by country and state."""

    rules: dict[tuple[str, str], LegalRule] = field(default_factory=dict)

    @classmethod
    def of(cls, *layers: Iterable[LegalRule]) -> LegalTable:
        """Return a table in which later layers go before earlier ones."""
        rules = {(r.country, r.state): r for layer in layers for r in layer}
        return cls(rules)

    @cached_property
    def version(self) -> str:
        """A short name of exactly these rules."""
        text = repr(sorted(self.rules.items(), key=lambda item: item[0]))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def as_json(self) -> list[dict[str, Any]]:
        """Return every rule as it is kept for the record, in order."""
        return [
            {
                "country": rule.country,
                "state": rule.state,
                "hours": rule.week.as_json(),
                "closed_on_holidays": rule.closed_on_holidays,
                "max_a_day": rule.max_a_day,
                "needs_consent": rule.needs_consent,
                "source": rule.source,
            }
            for _key, rule in sorted(self.rules.items())
        ]

    @classmethod
    def from_json(cls, rows: Iterable[dict[str, Any]]) -> LegalTable:
        """Read what `as_json` wrote."""
        return cls.of(
            LegalRule(week=Week.parse(row["hours"]), **_without(row, "hours"))
            for row in rows
        )

    def limits_at(self, country: str, state: str) -> LegalLimits:
        """Return what holds at a place: its country's rule and its state's together.

        Where the country has rules by state and the state is not known, all of them
        hold together: the person may be in any.
        """
        rules = self._rules_at(country, state)
        caps = [rule.max_a_day for rule in rules if rule.max_a_day is not None]
        closed = [rule for rule in rules if rule.closed_on_holidays]
        holidays = {
            country if rule.country == ANYWHERE else rule.region for rule in closed
        }
        return LegalLimits(
            hours=Hours(
                reduce(lambda a, b: a & b, (rule.week for rule in rules)),
                holidays=frozenset(region for region in holidays if region),
            ),
            max_a_day=min(caps) if caps else None,
            needs_consent=any(rule.needs_consent for rule in rules),
            regions=tuple(rule.region for rule in rules),
        )

    def _rules_at(self, country: str, state: str) -> list[LegalRule]:
        whole = self.rules.get((country, "")) or self.rules[ANYWHERE, ""]
        if state:
            found = self.rules.get((country, state))
            return [whole, found] if found else [whole]
        states = [
            rule
            for (of_country, of_state), rule in sorted(self.rules.items())
            if of_country == country and of_state
        ]
        return [whole, *states]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


@cache
def shipped_rules() -> tuple[LegalRule, ...]:
    """Return the rules of the file."""
    with _SHIPPED.open("rb") as file:
        table = tomllib.load(file)
    return tuple(
        LegalRule(
            country=row["country"],
            state=row.get("state", ""),
            week=Week.parse(row["hours"]),
            closed_on_holidays=row.get("holidays") == "closed",
            max_a_day=row.get("max_a_day"),
            needs_consent=row.get("consent") == "required",
            source=row["source"],
        )
        for row in table["rule"]
    )
