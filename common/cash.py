"""Amounts of a currency in its smallest unit, and how to print them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from django.utils.functional import lazy
from django.utils.translation import pgettext

from common.local_numbers import NO_BREAK_SPACE, local_number

_SYMBOLS: Final = {"eur": "€", "usd": "$", "gbp": "£"}


def format_cents(cents: int, currency: str = "eur") -> str:
    """Print an amount with its currency, as the active language writes it.

    123456 is "€ 1,234.56" in English, "€ 1.234,56" in Dutch and "1.234,56 €" in
    German. The spaces do not break.
    """
    symbol = _SYMBOLS.get(currency.lower(), currency.upper())
    whole, rest = divmod(abs(cents), 100)
    printed = pgettext("an amount of money", "%(sign)s%(symbol)s %(amount)s") % {
        "sign": "-" if cents < 0 else "",
        "symbol": symbol,
        "amount": local_number(f"{whole}.{rest:02d}"),
    }
    return printed.replace(" ", NO_BREAK_SPACE)


# For a mail: printed when it is drawn, in its reader's language.
lazy_cents = lazy(format_cents, str)


def parse_cents(text: str) -> int:
    """Read an amount such as 12.50 exactly; raise ValueError for anything else."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount.") from error
    # 1,000 and 1.000 may be a thousand or one: neither is taken.
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -2:
        raise ValueError("An amount has at most two decimals.")
    return int(amount * 100)
