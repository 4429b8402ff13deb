"""From an uploaded file to what is served: decoded, bounded, encoded anew.

Whatever else was in the file stays behind: places, thumbnails, scripts, trailing bytes.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from common.color import mix, on_color
from portal.models import BrandPicture
from portal.svg import BadSVG, sanitised_svg

LIMIT_BYTES: Final = 2 * 1024 * 1024
_MAX_PIXELS: Final = 24_000_000
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
ICON_SIZES: Final = {
    BrandPicture.Kind.ICON_32: 32,
    BrandPicture.Kind.ICON_180: 180,
    BrandPicture.Kind.ICON_192: 192,
    BrandPicture.Kind.ICON_512: 512,
}
_SMALLEST_ICON: Final = 128
# An app icon may be cut to any shape inside the middle four fifths.
_MASKABLE_SHARE: Final = 0.72

Kind = BrandPicture.Kind


class BadPicture(ValueError):
    """The file cannot be used; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Picture:
    content_type: str
    data: bytes


def logo(data: bytes) -> Picture:
    """Return a logo as SVG, or as PNG of at most 800 by 240 pixels."""
    if _looks_like_svg(data):
        try:
            return Picture("image/svg+xml", sanitised_svg(data))
        except BadSVG as error:
            raise BadPicture("bad_svg") from error
    image = _decoded(data).convert("RGBA")
    image.thumbnail((800, 240), Image.Resampling.LANCZOS)
    return _png(image)


def photo(data: bytes, *, width: int, height: int) -> Picture:
    """Return a picture cut to a shape, as JPEG; for sign-in pages and link previews."""
    image = _decoded(data)
    backed = Image.new("RGB", image.size, "white")
    backed.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    fitted = ImageOps.fit(backed, (width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    fitted.save(out, "JPEG", quality=82, optimize=True, progressive=True)
    return Picture("image/jpeg", out.getvalue())


def icons(data: bytes) -> dict[BrandPicture.Kind, Picture]:
    """Return every icon a browser or telephone asks for, from one upload."""
    image = _decoded(data).convert("RGBA")
    if min(image.size) < _SMALLEST_ICON:
        raise BadPicture("icon_too_small")
    return _icons_of(image)


def _icons_of(image: Image.Image) -> dict[BrandPicture.Kind, Picture]:
    side = max(image.size)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    made = {
        kind: _png(square.resize((size, size), Image.Resampling.LANCZOS))
        for kind, size in ICON_SIZES.items()
    }
    inner = round(512 * _MASKABLE_SHARE)
    maskable = Image.new("RGBA", (512, 512), _ground_of(square))
    small = square.resize((inner, inner), Image.Resampling.LANCZOS)
    at = (512 - inner) // 2
    maskable.paste(small, (at, at), small)
    return made | {Kind.ICON_MASKABLE: _png(maskable)}


def _ground_of(image: Image.Image) -> tuple[int, int, int, int]:
    """Return the icon's own ground where it is opaque at the edge, else white."""
    corner = image.getpixel((image.width // 2, 1))
    if isinstance(corner, tuple) and len(corner) == 4 and corner[3] == 255:
        return (corner[0], corner[1], corner[2], 255)
    return (255, 255, 255, 255)


@lru_cache(maxsize=256)
def monogram_icons(letter: str, accent: str) -> dict[BrandPicture.Kind, Picture]:
    """Draw a portal's letter on its accent, for those that uploaded no icon."""
    image = Image.new("RGBA", (512, 512), mix("#000000", accent, 0.08))
    font = ImageFont.truetype(
        str(Path(settings.BASE_DIR) / "static/fonts/inter-latin-wght-normal.woff2"), 300
    )
    font.set_variation_by_axes([650])
    ImageDraw.Draw(image).text(
        (256, 262), letter, fill=on_color(accent), font=font, anchor="mm"
    )
    return _icons_of(image)


def _looks_like_svg(data: bytes) -> bool:
    return b"<svg" in data[:2048].lower()


def _decoded(data: bytes) -> Image.Image:
    """Decode a PNG, JPEG or WebP upright; refuse others and bombs."""
    if len(data) > LIMIT_BYTES:
        raise BadPicture("too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > _MAX_PIXELS:
                raise BadPicture("too_many_pixels")
            image.load()
            upright: Image.Image = ImageOps.exif_transpose(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        if isinstance(error, BadPicture):
            raise
        raise BadPicture("not_a_picture") from error
    return upright.convert(
        "RGBA" if "A" in upright.getbands() or upright.mode == "P" else "RGB"
    )


def _png(image: Image.Image) -> Picture:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return Picture("image/png", out.getvalue())
