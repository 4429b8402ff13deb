"""Drawings people upload: only shapes, colours and text of an SVG survive.

What is not known to be harmless is left out: scripts, handlers, style sheets, embedded
pages and pictures, and everything that would be fetched from elsewhere. The result is
written anew from the parsed tree, so that no trick of the input's syntax gets through.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

LIMIT_BYTES: Final = 256 * 1024
_MAX_ELEMENTS: Final = 5_000
_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"

_ELEMENTS: Final = frozenset(
    {
        *("svg", "g", "defs", "title", "desc", "symbol", "use", "path", "rect"),
        *("circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"),
        *("linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern"),
        *("filter", "feGaussianBlur", "feOffset", "feMerge", "feMergeNode", "feBlend"),
        *("feColorMatrix", "feFlood", "feComposite"),
    }
)
_ATTRIBUTES: Final = frozenset(
    {
        *("id", "class", "viewBox", "width", "height", "x", "y", "x1", "y1", "x2"),
        *("y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "d", "points", "transform"),
        *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "opacity"),
        *("stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity"),
        *("stroke-dasharray", "stroke-dashoffset", "clip-path", "clip-rule", "mask"),
        *("offset", "stop-color", "stop-opacity", "gradientUnits", "spreadMethod"),
        *("gradientTransform", "clipPathUnits", "maskUnits", "maskContentUnits"),
        *("patternUnits", "patternTransform", "preserveAspectRatio", "role"),
        *("font-family", "font-size", "font-weight", "font-style", "letter-spacing"),
        *("text-anchor", "dominant-baseline", "filter", "in", "in2", "stdDeviation"),
        *("dx", "dy", "result", "mode", "type", "values", "flood-color", "operator"),
        *("flood-opacity", "filterUnits", "color", "display", "visibility", "version"),
    }
)
_LOCAL_URL: Final = re.compile(r"url\(\s*['\"]?#[\w-]+['\"]?\s*\)")
_DANGER: Final = re.compile(r"url\(|javascript:|data:|expression|@import|\\", re.I)


class BadSVG(ValueError):
    """The file is no drawing we can show."""


def sanitised_svg(data: bytes) -> bytes:
    """Return the drawing without anything that acts or fetches; raise `BadSVG`."""
    if len(data) > LIMIT_BYTES:
        raise BadSVG("too large")
    # Entities can grow without bound, and a drawing needs none.
    if b"<!DOCTYPE" in data.upper() or b"<!ENTITY" in data.upper() or b"\0" in data:
        raise BadSVG("has a document type")
    try:
        root = ET.fromstring(data)  # noqa: S314 - no document type, so no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BadSVG("is not well-formed") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise BadSVG("is no SVG")
    if sum(1 for _element in root.iter()) > _MAX_ELEMENTS:
        raise BadSVG("has too many parts")
    ET.register_namespace("", _SVG)
    drawing: bytes = ET.tostring(_clean(root), encoding="utf-8")
    return drawing


def _clean(element: ET.Element) -> ET.Element:
    kept = ET.Element(element.tag, _attributes(element))
    kept.text, kept.tail = element.text, element.tail
    for child in element:
        if _is_known(child.tag):
            kept.append(_clean(child))
    return kept


def _is_known(tag: str) -> bool:
    namespace, _brace, name = tag.rpartition("}")
    return namespace == f"{{{_SVG}" and name in _ELEMENTS


def _attributes(element: ET.Element) -> dict[str, str]:
    kept = {}
    for name, value in element.attrib.items():
        if name in ("href", _XLINK_HREF):
            if value.startswith("#") and not _DANGER.search(value):
                kept["href"] = value
        elif name == "style":
            # As presentation attributes, each by itself.
            for part in value.split(";"):
                key, _colon, text = part.partition(":")
                if key.strip() in _ATTRIBUTES and _is_harmless(text):
                    kept.setdefault(key.strip(), text.strip())
        elif name in _ATTRIBUTES and _is_harmless(value):
            kept[name] = value
    return kept


def _is_harmless(value: str) -> bool:
    return not _DANGER.search(_LOCAL_URL.sub("", value))
