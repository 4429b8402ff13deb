"""Reading telephone numbers as people write them, fast enough for a million. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import phonenumbers
from django.utils.translation import gettext as _
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

_REFUSED_TYPES: Final = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}
)
_SCIENTIFIC: Final = re.compile(r"^\+?\d+[.,]\d+E\+?\d+$", re.IGNORECASE)
_PLAIN: Final = re.compile(r"\+[1-9]\d{6,14}")


class UnusableNumber(ValueError):
    """The text is no number that may be called; `str()` says why."""


@dataclass(frozen=True)
class ReadNumber:
    """A number that can be called, with its region and `PhoneNumberType`."""

    e164: str
    region: str
    kind: int
    parsed: PhoneNumber


def read_number(text: str, region: str) -> ReadNumber:
    """Read a number; `region` is assumed where no country code is given.

    Raises `UnusableNumber`.
    """
    cleaned = text.strip().strip("'’").strip()
    number = _plain(cleaned) or _parsed(cleaned, region)
    found = phonenumbers.region_code_for_number(number) or ""
    kind = phonenumbers.number_type(number) if found else PhoneNumberType.UNKNOWN
    if kind == PhoneNumberType.UNKNOWN and found != "001":
        raise UnusableNumber(_("No such number exists. Check the digits."))
    if kind in _REFUSED_TYPES:
        raise UnusableNumber(_("Premium-rate numbers are not called."))
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return ReadNumber(e164, found, kind, number)


def _plain(text: str) -> PhoneNumber | None:
    """Return a number that is in E.164 already without the cost of parsing it."""
    if _PLAIN.fullmatch(text) is None:
        return None
    for length in (1, 2, 3):
        code = int(text[1 : 1 + length])
        if code in COUNTRY_CODE_TO_REGION_CODE:
            national = text[1 + length :]
            if national.startswith("0"):  # kept in some countries: the library knows
                return None
            return PhoneNumber(country_code=code, national_number=int(national))
    return None


def _parsed(text: str, region: str) -> PhoneNumber:
    if _SCIENTIFIC.match(text):
        raise UnusableNumber(
            _("The spreadsheet has cut this number short. Format the column as text.")
        )
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise UnusableNumber(
                _("Write the number with its country code, such as +31 20 123 4567.")
            ) from error
        raise UnusableNumber(_("This is not a telephone number.")) from error
    if number.extension:
        raise UnusableNumber(_("A number with an extension cannot be called."))
    return number


def to_e164(text: str, region: str) -> str:
    """Return a number in E.164; raises `UnusableNumber`."""
    return read_number(text, region).e164


def region_of(number: str) -> str:
    """Return the region of an E.164 number, or "" when it has none."""
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(parsed) or ""
