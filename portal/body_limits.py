"""How many bytes a request may bring, by its address; plain values, known before it is read.

What is larger never reaches a page or an operation: `config.bounded_bodies` stops
reading there, and a proxy before it may have a bound of its own.
"""

from __future__ import annotations

import re
from typing import Final

# A body of JSON, and whatever strangers send.
PLAIN_BYTES: Final = 2 * 1024 * 1024
# A page's form, from somebody with a session: the page itself says what is too large.
FORM_BYTES: Final = 32_000_000
# A list of people: 500 MB, and what is beside it in the form.
LIST_BYTES: Final = 501_000_000
# A picture has 2 MB at most; what is beside the file is small.
PICTURE_BYTES: Final = 3_000_000

_API: Final = re.compile(r"/api/|/v1/web-calls$")
_API_FILES: Final = {
    re.compile(r"/api/v1/campaigns/[^/]+/imports(?:/preview)?"): LIST_BYTES,
    re.compile(r"/api/v1/portal/pictures/[^/]+"): PICTURE_BYTES,
}
_PAGE_FILES: Final = {re.compile(r"/campaigns/[^/]+/upload/"): LIST_BYTES}


def is_of_api(path: str) -> bool:
    """Whether a program asked, which reads errors in the API's shape."""
    return _API.match(path) is not None


def file_bytes(method: str, path: str) -> int:
    """Return how large a form with a file may be at this address of the API.

    Zero: it takes none.
    """
    return _found(_API_FILES, path) if method == "POST" else 0


def most_bytes(method: str, path: str, *, has_key: bool, has_session: bool) -> int:
    """Return how large a body may be; strangers bring no files."""
    if is_of_api(path):
        return (file_bytes(method, path) if has_key else 0) or PLAIN_BYTES
    if not has_session:
        return PLAIN_BYTES
    return _found(_PAGE_FILES, path) or FORM_BYTES


def _found(limits: dict[re.Pattern[str], int], path: str) -> int:
    return next((most for at, most in limits.items() if at.fullmatch(path)), 0)
