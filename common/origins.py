"""Origins of web pages, as a browser names them: scheme and host, a port if unusual."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

MAX_LENGTH: Final = 200
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_USUAL: Final = {"http": 80, "https": 443}


def read_origin(text: str) -> str:
    """Return an origin as browsers send it, or raise ValueError saying what to write."""
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError as error:
        raise ValueError(_WRONG) from error
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    is_bare = not (parts.query or parts.fragment) and parts.path in ("", "/")
    if parts.scheme not in _USUAL or not is_bare or not _HOST.fullmatch(host):
        raise ValueError(_WRONG)
    if len(text) > MAX_LENGTH:
        raise ValueError(_WRONG)
    if port in (None, _USUAL[parts.scheme]):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


_WRONG: Final = "Write an origin such as https://www.example.com, without a path."
