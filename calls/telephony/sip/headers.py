"""Single header values, read tolerantly: addresses, parameters, lists. Pure.

`sipmessage` has stricter readers for most of them; real peers write what those refuse,
and some of its patterns take exponential time on hostile values.
"""

from __future__ import annotations

import re
from typing import Final

from sipmessage import URI, Parameters, Request, Response, Via

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
MAX_URI: Final = 1_024


def parse_uri(text: str) -> URI:
    """Return a URI with its scheme in lower case and without headers; or `ValueError`."""
    scheme, colon, rest = text.partition(":")
    if not colon or len(text) > MAX_URI:
        raise ValueError("URI is not valid")
    rest = rest.partition("?")[0] if "@" not in rest.partition("?")[2] else rest
    uri = URI.parse(f"{scheme.lower()}:{rest}")
    if uri.port is not None and not 0 < uri.port < 65_536:
        raise ValueError("URI port is not valid")
    return uri


_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


_VIA: Final = re.compile(
    r"\s*SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9.\-]{1,20})\s+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)\s*(?::\s*([0-9]{1,5}))?\s*(?=;|\Z)",
    re.IGNORECASE,
)


def top_via(message: Request | Response) -> Via:
    """Return the first Via, whatever stands behind it; raise `ValueError`."""
    values = message.headers.getlist("Via")
    first = split_list(values[0])[0] if values else ""
    found = _VIA.match(first)
    if found is None:
        raise ValueError("Via is not valid")
    parameters: dict[str, str | None] = {}
    for piece in first[found.end() :].split(";")[1:]:
        name, equals, value = piece.partition("=")
        if name.strip():
            parameters[name.strip().lower()] = value.strip() if equals else None
    port = int(found[3]) if found[3] else None
    return Via(found[1], found[2], port, Parameters(**parameters))


def split_list(value: str) -> list[str]:
    """Split at commas outside quotes and angle brackets."""
    items, start, depth, position = [], 0, 0, 0
    while position < len(value):
        character = value[position]
        if character == '"':
            quoted = _QUOTED.match(value, position)
            position = quoted.end() if quoted else len(value)
            continue
        if character == "<":
            depth = 1
        elif character == ">":
            depth = 0
        elif character == "," and not depth:
            items.append(value[start:position].strip())
            start = position + 1
        position += 1
    items.append(value[start:].strip())
    return [item for item in items if item] or [""]


def uri_text(value: str) -> str:
    """Return the URI of a From, To, Contact or Route; empty when there is none."""
    rest = _QUOTED.sub("", value, count=1) if value.lstrip().startswith('"') else value
    start = rest.find("<")
    if start >= 0:
        end = rest.find(">", start)
        return rest[start + 1 : end].strip() if end > start else ""
    bare = rest.partition(";")[0].strip()
    return bare if _SCHEME.match(bare) and " " not in bare else ""


def parameter(value: str, name: str) -> str | None:
    """Return a header's parameter; empty when it has no value, None when absent."""
    rest = _QUOTED.sub("", value, count=1) if value.lstrip().startswith('"') else value
    rest = rest.rpartition(">")[2] if "<" in rest else rest
    for piece in rest.split(";")[1:]:
        key, _, content = piece.partition("=")
        if key.strip().lower() == name:
            return content.strip().strip('"')
    return None


def tag_of(value: str) -> str:
    return parameter(value, "tag") or ""


def display_name(value: str) -> str:
    """Return the name before an address, for people to read."""
    text = value.strip()
    if text.startswith('"') and (quoted := _QUOTED.match(text)):
        name = re.sub(r"\\(.)", r"\1", quoted[0][1:-1])
    else:
        name = text.partition("<")[0].strip() if "<" in text else ""
    return text_of(name)[:120]


def text_of(wire: str) -> str:
    """Return what Latin-1 held bytes mean: UTF-8 where they are."""
    return wire.encode("latin-1", "replace").decode("utf-8", "replace")
