"""Public holidays by country and state. Pure; the days come from `holidays`."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

import holidays

_SUPPORTED: Final[dict[str, list[str]]] = holidays.list_supported_countries()


def known_region(region: str) -> bool:
    """Whether holidays of a region such as NL or US-FL are known."""
    country, _dash, state = region.partition("-")
    states = _SUPPORTED.get(country)
    return states is not None and (not state or state in states)


def is_holiday(region: str, day: date) -> bool:
    """Whether this is a public holiday there; of an unknown state its country's count."""
    country, _dash, state = region.partition("-")
    states = _SUPPORTED.get(country)
    if states is None:
        return False
    return day in _days(country, state if state in states else "", day.year)


@lru_cache(maxsize=512)
def _days(country: str, state: str, year: int) -> frozenset[date]:
    found = holidays.country_holidays(country, subdiv=state or None, years=year)
    return frozenset(found)


def holiday_countries() -> list[str]:
    """Return the countries whose holidays are known."""
    return sorted(_SUPPORTED)
