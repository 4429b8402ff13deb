"""Where a person is: country, state, and every time zone they may be in. Pure.

A given time zone goes before what the number says. A number that fits several zones is
kept with all of them: each must be inside the hours before it is dialled. A number that
fits none is not dialled at all.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

_AREA_CODES: Final = Path(__file__).parent / "data" / "area_codes.toml"
_UNKNOWN: Final = "Etc/Unknown"


class ZoneSource(StrEnum):
    """Where a time zone comes from."""

    GIVEN = "given"
    NUMBER = "number"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Locality:
    """A place as far as it is known; many leads share one."""

    country: str = ""
    state: str = ""
    zones: tuple[str, ...] = ()
    source: ZoneSource = ZoneSource.UNKNOWN

    @property
    def region(self) -> str:
        """Country and state as one word: US-FL, or NL."""
        return f"{self.country}-{self.state}" if self.state else self.country

    @property
    def zone_infos(self) -> list[ZoneInfo]:
        return [ZoneInfo(name) for name in self.zones]


@cache
def known_zones() -> frozenset[str]:
    """Return the names of time zones that may be given."""
    return frozenset(available_timezones()) - {_UNKNOWN, "localtime"}


def locality_of(
    number: PhoneNumber,
    *,
    country: str,
    kind: int = PhoneNumberType.UNKNOWN,
    zone: str = "",
    state: str = "",
) -> Locality:
    """Return where the owner of a number is; `zone` and `state` are what is given.

    `country` is the number's region and `kind` its `PhoneNumberType`.
    """
    state = state.upper() or state_of(number)
    if zone:
        return Locality(country, state, (zone,), ZoneSource.GIVEN)
    digits = str(number.country_code)
    if phonenumbers.is_number_type_geographical(kind, number.country_code or 0):
        digits = f"{digits}{number.national_number}"[:TIMEZONE_LONGEST_PREFIX]
    zones = _zones(digits)
    source = ZoneSource.NUMBER if zones else ZoneSource.UNKNOWN
    return Locality(country, state, zones, source)


@lru_cache(maxsize=65_536)
def _zones(digits: str) -> tuple[str, ...]:
    """Return the zones of the longest known prefix of these digits."""
    for length in range(len(digits), 0, -1):
        if (found := TIMEZONE_DATA.get(digits[:length])) is not None:
            return tuple(name for name in found if name in known_zones())
    return ()


def state_of(number: PhoneNumber) -> str:
    """Return the state or province of a North American number, or ""."""
    if number.country_code != 1:
        return ""
    return _states().get(str(number.national_number)[:3], "")


@cache
def _states() -> dict[str, str]:
    with _AREA_CODES.open("rb") as file:
        table: dict[str, dict[str, str]] = tomllib.load(file)
    return {
        code: state
        for states in table.values()
        for state, codes in states.items()
        for code in codes.split()
    }
