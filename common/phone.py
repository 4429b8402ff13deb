"""Telephone numbers: read, written as E.164, and masked for the log."""

from __future__ import annotations

import phonenumbers
from django.utils.translation import gettext as _


class InvalidNumber(ValueError):
    """Text that is no number that can be called; the message says what to do."""


def parse_number(text: str, *, region: str | None = None) -> str:
    """Return a number in E.164, or raise `InvalidNumber`.

    `region` (ISO 3166, such as NL) reads numbers without a country code.
    """
    try:
        number = phonenumbers.parse(text.strip(), region)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumber(
            _("Write the number with its country code, such as +31201234567.")
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidNumber(
            _("The number has too few or too many digits for its country.")
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def mask(number: str) -> str:
    """Hide all but the country's start and the last two digits.

    >>> mask("+31201234567")
    '+31•••••••67'
    """
    if len(number) < 7:
        return "•" * len(number)
    return number[:3] + "•" * (len(number) - 5) + number[-2:]
