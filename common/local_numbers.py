"""Numbers as the reader's language writes them.

What programs read (the API, CSV, forms' values) is never printed by these.
"""

from __future__ import annotations

import re

from django.utils import numberformat
from django.utils.formats import get_format
from django.utils.functional import lazy

from common.money import format_credits

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def local_number(plain: str) -> str:
    """Return a plain decimal, such as -1234.50, in the active language's form.

    No digit is lost or added. In Dutch and German it is -1.234,50.
    """
    return numberformat.format(
        plain,
        decimal_sep=str(get_format("DECIMAL_SEPARATOR")),
        grouping=get_format("NUMBER_GROUPING"),
        thousand_sep=str(get_format("THOUSAND_SEPARATOR")),
        force_grouping=True,
        use_l10n=True,
    )


def local_credits(microcredits: int, places: int = 2) -> str:
    """Print credits for people; `common.money.format_credits` is for programs."""
    return local_number(format_credits(microcredits, places))


def typed_decimal(text: str) -> str:
    """Return a number as somebody typed it with a point; either mark is understood.

    Raises ValueError where the reader's language could mean a thousand: 1,000 in
    English, 1.000 in Dutch and German.
    """
    mark = str(get_format("THOUSAND_SEPARATOR"))
    if re.fullmatch(rf"[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}", text.strip()):
        raise ValueError(f"{text!r} may be a thousand times as much.")
    return text.replace(",", ".")


# For a mail: printed when it is drawn, in its reader's language.
lazy_number = lazy(local_number, str)
lazy_credits = lazy(local_credits, str)
