"""Which telephone numbers may be called: rules against toll fraud, on plain values.

Fraud calls what pays the one who is called: premium and shared-cost numbers, satellite
networks and small countries with high rates. The kinds are refused unless somebody
allows them; countries and prefixes are the organization's choice, within its agency's.

A carrier routes by the digits a number begins with and ignores what is too many, so a
number of no known form is also looked at without its last ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

Refusal = Literal["", "premium", "satellite", "country", "prefix", "unknown"]

_COSTLY: Final = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
}
# Global satellite and international networks (ITU-T E.164, list of assigned codes), and
# international premium rate (979) and shared cost (808).
_SATELLITE: Final = {870, 878, 881, 882, 883}
_INTERNATIONAL_PREMIUM: Final = {808, 979}
_PREMIUM_EXCHANGE: Final = "976"  # in any area of North America
_DIRECTORY: Final = "118"  # in most of Europe
_LONGEST_SHORT: Final = 6
_LEAST_DIGITS: Final = 6  # with the plus sign: below that nothing has a kind
_MOST_TOO_MANY: Final = 8


@dataclass(frozen=True)
class DestinationRules:
    """`countries` empty: every country. `prefixes` are E.164 with the plus sign."""

    countries: frozenset[str] = frozenset()
    blocked_prefixes: frozenset[str] = frozenset()
    allows_premium: bool = False

    def stricter(self, other: DestinationRules) -> DestinationRules:
        """Return the rules that keep both; with no country in common, none is left."""
        if self.countries and other.countries:
            countries = self.countries & other.countries or frozenset({"none"})
        else:
            countries = self.countries or other.countries
        return DestinationRules(
            countries,
            self.blocked_prefixes | other.blocked_prefixes,
            self.allows_premium and other.allows_premium,
        )

    def refusal(self, number: str) -> Refusal:
        """Return why a number in E.164 may not be called; empty when it may."""
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return "unknown"
        if any(number.startswith(prefix) for prefix in self.blocked_prefixes):
            return "prefix"
        if not self.allows_premium and (kind := _costly_kind(number, parsed)):
            return kind
        if _is_service(parsed):
            return "unknown"
        if self.countries and not self.countries.issuperset(_countries(number, parsed)):
            return "country"
        return ""


def _costly_kind(number: str, parsed: PhoneNumber) -> Refusal:
    if parsed.country_code in _SATELLITE:
        return "satellite"
    is_premium = parsed.country_code in _INTERNATIONAL_PREMIUM
    return "premium" if is_premium or _is_costly(number, parsed) else ""


def _is_costly(number: str, parsed: PhoneNumber) -> bool:
    """Whether a number, or what a carrier would make of it, pays who is called."""
    if phonenumbers.number_type(parsed) in _COSTLY:
        return True
    if parsed.country_code == 1 and number[5:8] == _PREMIUM_EXCHANGE:
        return True
    return any(
        phonenumbers.number_type(one) in _COSTLY for one in _shorter(number, parsed)
    )


def _shorter(number: str, parsed: PhoneNumber) -> Iterator[PhoneNumber]:
    """Give what a carrier may make of a number of no known form, its last digits gone."""
    if phonenumbers.is_valid_number(parsed):
        return
    for cut in range(1, _MOST_TOO_MANY + 1):
        if len(one := number[:-cut]) > _LEAST_DIGITS:
            yield phonenumbers.parse(one)


def _countries(number: str, parsed: PhoneNumber) -> set[str]:
    """Return a number's country, and those of what a carrier may make of it.

    Guernsey and Jersey share a plan with the United Kingdom: a number of theirs with
    digits too many has no country of its own, and would pass for a British one.
    """
    found = {country_of(number)}
    for one in _shorter(number, parsed):
        if phonenumbers.is_valid_number(one):
            found.add(str(phonenumbers.region_code_for_number(one)))
    return found


def _is_service(parsed: PhoneNumber) -> bool:
    """Whether a country's plan has no such number and its short ones begin like it.

    Directory and emergency services, which some trunks would dial within the country.
    """
    if phonenumbers.is_valid_number(parsed):
        return False
    national = phonenumbers.national_significant_number(parsed)
    return len(national) <= _LONGEST_SHORT or national.startswith(_DIRECTORY)


def country_of(number: str) -> str:
    """Return a number's country as ISO 3166 (NL); empty when it has none.

    Numbers of a shared plan (+1) that are in no use belong to its main country.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    code = phonenumbers.region_code_for_number(parsed)
    if code is None and parsed.country_code is not None:
        code = phonenumbers.region_code_for_country_code(parsed.country_code)
    return "" if code in (None, "ZZ", "001") else str(code)


def known_countries() -> frozenset[str]:
    """Return every country that has numbers."""
    return frozenset(phonenumbers.SUPPORTED_REGIONS)
