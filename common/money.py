"""Credits as integers: the unit, the price of a length of call, and how to print them.

One credit is 1,000,000 microcredits. The unit is small enough for one second of a
call and for the tokens of one model reply; a 64-bit column holds nine million million
credits. Nothing here, and nothing that calls it, uses a float.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

MICROCREDITS_PER_CREDIT = 1_000_000
SECONDS_PER_MINUTE = 60


def price_of_seconds(seconds: int, microcredits_per_minute: int) -> int:
    """Return what `seconds` of a call cost, rounded up to a whole microcredit.

    Billing is by the second; rounding up costs a payer less than a millionth of a
    credit a call, and never makes a priced second free.
    """
    if seconds < 0 or microcredits_per_minute < 0:
        raise ValueError("Seconds and price may not be negative.")
    return -(-seconds * microcredits_per_minute // SECONDS_PER_MINUTE)


def seconds_affordable(microcredits: int, microcredits_per_minute: int) -> int | None:
    """Return how many whole seconds a sum pays for; `None` when a call costs nothing."""
    if microcredits_per_minute == 0:
        return None
    return max(0, microcredits) * SECONDS_PER_MINUTE // microcredits_per_minute


def format_credits(microcredits: int, places: int = 2) -> str:
    """Print credits with at least `places` decimals and no fraction cut off.

    >>> format_credits(140_000), format_credits(-1_234_567)
    ('0.14', '-1.234567')
    """
    sign = "-" if microcredits < 0 else ""
    whole, fraction = divmod(abs(microcredits), MICROCREDITS_PER_CREDIT)
    digits = f"{fraction:06d}".rstrip("0").ljust(places, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def round_credits(microcredits: int, places: int = 2) -> str:
    """Print credits rounded half up, for a quick look; never for a bill.

    >>> round_credits(933_334), round_credits(-5_000)
    ('0.93', '-0.01')
    """
    exact = Decimal(microcredits) / MICROCREDITS_PER_CREDIT
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"


def parse_credits(text: str) -> int:
    """Read a decimal number of credits exactly; raise ValueError for anything else."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number of credits.") from error
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a number of credits.")
    microcredits = amount * MICROCREDITS_PER_CREDIT
    if microcredits != microcredits.to_integral_value():
        raise ValueError("Credits have at most six decimals.")
    return int(microcredits)
