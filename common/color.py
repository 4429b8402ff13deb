"""Colour arithmetic: hex and OKLCH, WCAG contrast, and colours nudged until readable.

Pure functions on plain values. A colour is a `#rrggbb` string at the edges; what is
returned is what a browser paints, so a contrast measured here is the one on screen.
OKLab as published by Björn Ottosson; contrast as in WCAG 2.2, definition of
relative luminance.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

BLACK: Final = "#000000"
WHITE: Final = "#ffffff"
TEXT_RATIO: Final = 4.5
SHAPE_RATIO: Final = 3.0

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 64


class Oklch(NamedTuple):
    """Lightness 0..1, chroma 0..about 0.37 for screens, hue in degrees."""

    lightness: float
    chroma: float
    hue_deg: float


def _channels(color: str) -> tuple[float, float, float]:
    if not _HEX.fullmatch(color):
        raise ValueError(f"{color!r} is not a colour such as #3b82f6.")
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _from_linear(value: float) -> float:
    if value <= 0.0031308:
        return value * 12.92
    return float(1.055 * value ** (1 / 2.4) - 0.055)


def luminance(color: str) -> float:
    """Relative luminance: 0 for black, 1 for white."""
    red, green, blue = (_to_linear(value) for value in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21, in either order."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _oklab(color: str) -> tuple[float, float, float]:
    red, green, blue = (_to_linear(value) for value in _channels(color))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _linear_rgb(
    lightness: float, green_red: float, blue_yellow: float
) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * green_red + 0.2158037573 * blue_yellow) ** 3
    medium = (lightness - 0.1055613458 * green_red - 0.0638541728 * blue_yellow) ** 3
    short = (lightness - 0.0894841775 * green_red - 1.2914855480 * blue_yellow) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _hex(channels: tuple[float, float, float]) -> str:
    bytes_ = (
        round(_from_linear(min(1.0, max(0.0, value))) * 255) for value in channels
    )
    return "#" + "".join(f"{byte:02x}" for byte in bytes_)


def to_oklch(color: str) -> Oklch:
    """Return a colour's lightness, chroma and hue; the hue of a grey is 0."""
    lightness, green_red, blue_yellow = _oklab(color)
    chroma = math.hypot(green_red, blue_yellow)
    if chroma < 1e-4:
        return Oklch(lightness, 0.0, 0.0)
    return Oklch(
        lightness, chroma, math.degrees(math.atan2(blue_yellow, green_red)) % 360
    )


def from_oklch(color: Oklch) -> str:
    """Return the nearest colour a screen has; chroma gives way, lightness stays."""
    lightness = min(1.0, max(0.0, color.lightness))
    hue = math.radians(color.hue_deg)

    def linear(chroma: float) -> tuple[float, float, float]:
        return _linear_rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue))

    def fits(chroma: float) -> bool:
        return all(-1e-4 <= value <= 1 + 1e-4 for value in linear(chroma))

    chroma = max(0.0, color.chroma)
    if not fits(chroma):
        low, high = 0.0, chroma
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        chroma = low
    return _hex(linear(chroma))


def mix(one: str, other: str, share: float) -> str:
    """Mix `share` (0..1) of one colour into another, as CSS does in oklab."""
    first, second = _oklab(one), _oklab(other)
    lightness, green_red, blue_yellow = (
        a * share + b * (1 - share) for a, b in zip(first, second, strict=True)
    )
    return _hex(_linear_rgb(lightness, green_red, blue_yellow))


def on_color(background: str) -> str:
    """Return white or black, whichever reads better on a colour; at least 4.5:1.

    White is kept as long as it reaches 4.5:1, because that is what people expect on a
    coloured button. One of the two always does: their ratios multiply to 21.
    """
    return WHITE if contrast(background, WHITE) >= TEXT_RATIO else BLACK


def readable_accent(color: str, background: str, ratio: float = TEXT_RATIO) -> str:
    """Return the colour nearest to `color` that reaches a contrast on a background.

    The hue stays; lightness moves away from the background only as far as needed.
    Raises ValueError when neither black nor white reaches `ratio` there.
    """
    if contrast(color, background) >= ratio:
        return color.lower()
    ends = [end for end in (BLACK, WHITE) if contrast(end, background) >= ratio]
    if not ends:
        raise ValueError(f"Nothing reaches {ratio}:1 on {background}.")
    # A colour darker than its background goes darker still, where that can suffice.
    preferred = BLACK if luminance(color) <= luminance(background) else WHITE
    end = preferred if preferred in ends else ends[0]
    start = to_oklch(color)
    target = 0.0 if end == BLACK else 1.0
    for step in range(1, _STEPS):
        lightness = start.lightness + (target - start.lightness) * step / _STEPS
        candidate = from_oklch(start._replace(lightness=lightness))
        if contrast(candidate, background) >= ratio:
            return candidate
    return end
