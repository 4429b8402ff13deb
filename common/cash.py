"""Amounts of a currency in its smallest unit, and how to print them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

_SYMBOLS: Final = {"eur": "€", "usd": "$", "gbp": "£"}


def format_cents(cents: int, currency: str = "eur") -> str:
    """Print an amount with its currency.

    >>> format_cents(123_456), format_cents(-5, "chf")
    ('€ 1,234.56', '-CHF 0.05')
    """
    symbol = _SYMBOLS.get(currency.lower(), currency.upper())
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{symbol} {whole:,}.{rest:02d}"


def parse_cents(text: str) -> int:
    """Read an amount such as 12.50 exactly; raise ValueError for anything else."""
    try:
        amount = Decimal(text.strip().replace(",", ".")) * 100
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not an amount.") from error
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError("An amount has at most two decimals.")
    return int(amount)
