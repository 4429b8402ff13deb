"""From an agency's few brand inputs to a style sheet, a logo and measured contrast.

The style sheet holds variables and nothing else; `static/css/tokens.css` derives every
colour from them. What cannot be said in CSS is computed here: a fill that stands out
from the page, the text on it, and an accent that is readable as text in both schemes,
whatever colour was chosen.

Values go into the sheet only as parsed colours, numbers and members of an enum, never
as text somebody typed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self
from xml.sax.saxutils import escape

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.color import (
    TEXT_RATIO,
    Oklch,
    contrast,
    from_oklch,
    mix,
    on_color,
    readable_accent,
)
from portal.models import Portal

DEFAULT_ACCENT: Final = "#3b5bdb"
DEFAULT_HUE_DEG: Final = 250

# Lightness and chroma of --surface, --surface-raised, --surface-sunken and
# --surface-hover in tokens.css; a test compares the two.
SURFACES: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "light": ((0.985, 0.003), (1.0, 0.0), (0.965, 0.005), (0.955, 0.006)),
    "dark": ((0.175, 0.008), (0.21, 0.01), (0.155, 0.007), (0.25, 0.012)),
}
SOFT_SHARE: Final = 0.09  # of --accent-text in --accent-soft
_FILL_RATIO = 1.35  # below this a button's fill is lost on the page

_RADIUS: Final = {
    Portal.Radius.SQUARE: "0.125rem",
    Portal.Radius.SOFT: "0.5rem",
    Portal.Radius.ROUND: "0.875rem",
}
_FONT: Final = {
    Portal.Font.SANS: '"Inter Variable", system-ui, sans-serif',
    Portal.Font.HUMANIST: '"Source Sans 3 Variable", "Segoe UI", sans-serif',
    Portal.Font.SERIF: '"Inter Variable", system-ui, sans-serif',
}
_HEADING_FONT: Final = {
    **_FONT,
    Portal.Font.SERIF: '"Source Serif 4 Variable", Charter, Georgia, serif',
}
_DENSITY: Final = {Portal.Density.COMFORTABLE: "1", Portal.Density.COMPACT: "0.86"}


@dataclass(frozen=True)
class SchemeColors:
    """The computed colours of one scheme."""

    fill: str
    on_fill: str
    text: str


@dataclass(frozen=True)
class ContrastRow:
    """One measured pair; shown beside the brand form before it is saved."""

    scheme: str
    what: str | Promise
    foreground: str
    background: str
    ratio: float
    needed: float

    @property
    def is_enough(self) -> bool:
        return self.ratio >= self.needed


def surfaces(scheme: str, hue_deg: int) -> tuple[str, ...]:
    """The backgrounds of a scheme: page, raised, sunken, under the pointer."""
    return tuple(
        from_oklch(Oklch(lightness, chroma, hue_deg))
        for lightness, chroma in SURFACES[scheme]
    )


def scheme_colors(
    accent: str, scheme: str, hue_deg: int, primary: str = ""
) -> SchemeColors:
    """Compute the colours of a scheme; text reaches 4.5:1 on every surface of it.

    Buttons are filled with `primary`, or with the accent where there is none.
    """
    grounds = surfaces(scheme, hue_deg)
    page, raised = grounds[0], grounds[1]
    fill = readable_accent(primary or accent, page, _FILL_RATIO)
    # The hardest ground: darkest of the light ones, lightest of the dark ones.
    text = accent
    ratio = TEXT_RATIO
    for ground in grounds:
        text = readable_accent(text, ground)
    # The soft well is tinted with the text itself, so it is measured after the fact.
    while contrast(text, mix(text, raised, SOFT_SHARE)) < TEXT_RATIO:
        ratio += 0.1
        text = readable_accent(text, raised, ratio)
    return SchemeColors(fill, on_color(fill), text)


@lru_cache(maxsize=8192)
def _sheet_of(
    primary: str, accent: str, hue_deg: int, radius: str, font: str, density: str
) -> str:
    """Compute a style sheet once for each choice of inputs."""
    light = scheme_colors(accent, "light", hue_deg, primary)
    dark = scheme_colors(accent, "dark", hue_deg, primary)
    variables = {
        "accent": accent.lower(),
        "fill-light": light.fill,
        "fill-dark": dark.fill,
        "on-fill-light": light.on_fill,
        "on-fill-dark": dark.on_fill,
        "text-light": light.text,
        "text-dark": dark.text,
        "neutral-hue": str(hue_deg % 360),
        "radius": _RADIUS[Portal.Radius(radius)],
        "font": _FONT[Portal.Font(font)],
        "heading-font": _HEADING_FONT[Portal.Font(font)],
        "density": _DENSITY[Portal.Density(density)],
    }
    lines = [f"  --brand-{name}: {value};" for name, value in variables.items()]
    return "\n".join([":root {", *lines, "}", ""])


def brand_css(portal: Portal) -> str:
    """Return the portal's style sheet: variables on `:root`, about fifteen lines."""
    return _sheet_of(
        portal.primary_color,
        portal.accent_color,
        portal.neutral_hue_deg,
        portal.radius,
        portal.font,
        portal.density,
    )


def brand_version(portal: Portal) -> str:
    """A short hash of all that a brand's files are made from: their cache key.

    Pictures are known by the hashes the portal keeps of them.
    """
    digest = hashlib.sha256(brand_css(portal).encode())
    digest.update(portal.name.encode())
    digest.update(str(portal.brand_version).encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Choices:
    """Brand inputs that are not saved; what was not valid has its default."""

    primary: str
    accent: str
    hue_deg: int
    radius: str
    font: str
    density: str

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Read them by the names of the brand form."""
        hue = query.get("neutral_hue_deg", "")
        radius, font, density = (
            query.get(name, "") for name in ("radius", "font", "density")
        )
        return cls(
            primary=_color(query.get("primary_color", ""), ""),
            accent=_color(query.get("accent_color", ""), DEFAULT_ACCENT),
            hue_deg=int(hue) % 360
            if hue.isascii() and hue.isdigit() and len(hue) < 5
            else DEFAULT_HUE_DEG,
            radius=radius if radius in Portal.Radius.values else Portal.Radius.SOFT,
            font=font if font in Portal.Font.values else Portal.Font.SANS,
            density=density
            if density in Portal.Density.values
            else Portal.Density.COMFORTABLE,
        )


def _color(text: str, default: str) -> str:
    try:
        contrast(text, text)
    except ValueError:
        return default
    return text


def preview_css(query: Mapping[str, str]) -> str:
    """Return the sheet for inputs that are not saved; what is not valid is left out."""
    choices = Choices.read(query)
    return _sheet_of(
        choices.primary,
        choices.accent,
        choices.hue_deg,
        choices.radius,
        choices.font,
        choices.density,
    )


@dataclass(frozen=True)
class Nudge:
    """A colour that had to give way so that people can read it."""

    scheme: str
    what: str | Promise
    chosen: str
    shown: str


def nudges(accent: str, hue_deg: int, primary: str = "") -> list[Nudge]:
    """Return which of the chosen colours are shown otherwise, and as what."""
    found = []
    for scheme in SURFACES:
        colors = scheme_colors(accent, scheme, hue_deg, primary)
        pairs = (
            (_("Buttons"), primary or accent, colors.fill),
            (_("Links and highlights"), accent, colors.text),
        )
        found += [
            Nudge(scheme, what, chosen.lower(), shown)
            for what, chosen, shown in pairs
            if chosen.lower() != shown.lower()
        ]
    return found


def contrast_report(accent: str, hue_deg: int, primary: str = "") -> list[ContrastRow]:
    """Measure what a reader will see, in both schemes."""
    rows = []
    for scheme in SURFACES:
        colors = scheme_colors(accent, scheme, hue_deg, primary)
        page, raised, *_rest = surfaces(scheme, hue_deg)
        soft = mix(colors.text, raised, SOFT_SHARE)
        pairs = (
            (_("Text on the button"), colors.on_fill, colors.fill),
            (_("Link on a card"), colors.text, raised),
            (_("Link on the page"), colors.text, page),
            (_("Text on a tinted well"), colors.text, soft),
        )
        rows += [
            ContrastRow(
                scheme, what, one, other, round(contrast(one, other), 2), TEXT_RATIO
            )
            for what, one, other in pairs
        ]
    return rows


# --- images ---------------------------------------------------------------------------
def monogram(name: str) -> str:
    """Return the first letter of a name, or a dot."""
    words = [word for word in name.split() if word[0].isalnum()]
    return (words[0][0] if words else "•").upper()


def default_logo_svg(portal: Portal) -> str:
    """Draw the first letter of the name on the accent, for a portal with no logo."""
    accent = portal.accent_color.lower()
    corner = {Portal.Radius.SQUARE: 4, Portal.Radius.SOFT: 12}.get(
        Portal.Radius(portal.radius), 20
    )
    shade = mix("#000000", accent, 0.22)
    family = escape(
        _HEADING_FONT[Portal.Font(portal.font)].replace('"', "'"), {'"': "&quot;"}
    )
    # The darker end of the gradient decides, as the letter lies on both.
    ink = on_color(mix("#000000", accent, 0.11))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" '
        'height="64" role="img">'
        f"<title>{escape(portal.name)}</title>"
        '<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="{accent}"/>'
        f'<stop offset="1" stop-color="{shade}"/></linearGradient></defs>'
        f'<rect width="64" height="64" rx="{corner}" fill="url(#g)"/>'
        f'<text x="32" y="33" fill="{ink}" font-family="{family}" font-size="36" '
        'font-weight="650" text-anchor="middle" dominant-baseline="central">'
        f"{escape(monogram(portal.name))}</text></svg>"
    )
