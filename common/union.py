"""Which telephone numbers belong to the European Union: by their country code."""

from __future__ import annotations

from typing import Final

import phonenumbers

_MEMBERS: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR"),
        *("HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO"),
        *("SE", "SI", "SK"),
        # Parts of members with numbers of their own, where the Union's law holds.
        *("AX", "GF", "GP", "MF", "MQ", "RE", "YT"),
    }
)


def is_in_union(number: str) -> bool:
    """Whether an E.164 number is one of a member of the Union.

    Where the telephone is when it rings nobody knows, and numbers of no country, such
    as those of satellites, are outside.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.region_code_for_number(parsed) in _MEMBERS
