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
from typing import Final
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


def scheme_colors(accent: str, scheme: str, hue_deg: int) -> SchemeColors:
    """Compute the colours of a scheme; text reaches 4.5:1 on every surface of it."""
    grounds = surfaces(scheme, hue_deg)
    page, raised = grounds[0], grounds[1]
    fill = readable_accent(accent, page, _FILL_RATIO)
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


def _variables(
    accent: str, hue_deg: int, radius: str, font: str, density: str
) -> dict[str, str]:
    light = scheme_colors(accent, "light", hue_deg)
    dark = scheme_colors(accent, "dark", hue_deg)
    return {
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


def _sheet(variables: Mapping[str, str]) -> str:
    lines = [f"  --brand-{name}: {value};" for name, value in variables.items()]
    return "\n".join([":root {", *lines, "}", ""])


def brand_css(portal: Portal) -> str:
    """Return the portal's style sheet: variables on `:root`, about fifteen lines."""
    return _sheet(
        _variables(
            portal.accent_color,
            portal.neutral_hue_deg,
            portal.radius,
            portal.font,
            portal.density,
        )
    )


def brand_version(portal: Portal) -> str:
    """A short hash of all that a brand's files are made from: their cache key.

    Uploaded pictures are not read for it: `portal.services.brand` counts
    `brand_version` up with every change, and a page must not load them for an address.
    """
    digest = hashlib.sha256(brand_css(portal).encode())
    digest.update(portal.name.encode())
    digest.update(str(portal.brand_version).encode())
    return digest.hexdigest()[:12]


def preview_css(query: Mapping[str, str]) -> str:
    """Return the sheet for inputs that are not saved; what is not valid is left out.

    Reads `accent_color`, `neutral_hue_deg`, `radius`, `font` and `density`, the names
    of the brand form.
    """
    accent = query.get("accent_color", DEFAULT_ACCENT)
    hue = query.get("neutral_hue_deg", "")
    try:
        contrast(accent, accent)
    except ValueError:
        accent = DEFAULT_ACCENT
    radius, font, density = (
        query.get(name, "") for name in ("radius", "font", "density")
    )
    return _sheet(
        _variables(
            accent,
            int(hue) % 360 if hue.isascii() and hue.isdigit() else DEFAULT_HUE_DEG,
            radius if radius in Portal.Radius.values else Portal.Radius.SOFT,
            font if font in Portal.Font.values else Portal.Font.SANS,
            density if density in Portal.Density.values else Portal.Density.COMFORTABLE,
        )
    )


def contrast_report(accent: str, hue_deg: int) -> list[ContrastRow]:
    """Measure what a reader will see, in both schemes."""
    rows = []
    for scheme in SURFACES:
        colors = scheme_colors(accent, scheme, hue_deg)
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
def _monogram(name: str) -> str:
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
        f"{escape(_monogram(portal.name))}</text></svg>"
    )


def default_favicon_svg(portal: Portal) -> str:
    """The default logo serves as the icon of the tab too."""
    return default_logo_svg(portal)


_IMAGE_TYPES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)


def image_type(data: bytes) -> str | None:
    """Tell an uploaded image's type from its bytes; `None` for one we do not serve.

    SVG is not accepted from people: it can carry scripts.
    """
    for start, content_type in _IMAGE_TYPES:
        if data.startswith(start):
            return content_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None
