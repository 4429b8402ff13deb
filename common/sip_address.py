"""Whose server a SIP address names."""

from __future__ import annotations

import re
from typing import Final

# After the one @ nothing but a host, a port and parameters; headers are no part of it.
_ADDRESS: Final = re.compile(
    r"sips?:(?:[^@\s]*@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\.?"
    r"(?::\d{1,5})?(?P<parameters>(?:;[^@;?\s]+)*)",
    re.IGNORECASE,
)
# They have a request sent elsewhere, whatever the host is (RFC 3261, 19.1.1).
_ELSEWHERE: Final = re.compile(r";(?:maddr|route|proxy)\b", re.IGNORECASE)


def host_of_sip(address: str) -> str:
    """Return the host a SIP address leads to, in lower case.

    Empty where it cannot be told for sure: two of them, a parameter that leads
    elsewhere, or what is no SIP address at all.
    """
    found = _ADDRESS.fullmatch(address.strip())
    if found is None or _ELSEWHERE.search(found["parameters"]):
        return ""
    return found["host"].strip("[]").lower()
