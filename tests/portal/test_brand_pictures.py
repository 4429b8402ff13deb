"""Pictures of a brand: whatever is uploaded, what is served is small and harmless."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from portal.models import AuditRecord, BrandPicture, Portal
from portal.pictures import BadPicture, icons, logo, monogram_icons, photo
from portal.scope import organization_scope
from portal.svg import BadSVG, sanitised_svg
from tests.world import House, browser

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" '
    b'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">%s</svg>'
)


def png(width: int, height: int, mode: str = "RGBA") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), "red").save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b'<path d="M0 0" onload="alert(1)"/>',
        b'<a href="javascript:alert(1)"><path d="M0 0"/></a>',
        b'<use xlink:href="https://evil.example/x.svg#a"/>',
        b'<image href="https://evil.example/pixel.png"/>',
        b'<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        b"<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>x</body></foreignObject>",
        b"<style>@import url(https://evil.example/x.css);</style>",
        b'<rect fill="url(https://evil.example/x)"/>',
        b'<rect style="fill:red;background:url(//evil.example)"/>',
        b'<animate attributeName="href" values="javascript:alert(1)"/>',
        b'<set attributeName="onmouseover" to="alert(1)"/>',
        b'<rect fill="u\\72l(https://evil.example)"/>',
    ],
)
def test_a_drawing_neither_acts_nor_fetches(inside: bytes):
    drawn = sanitised_svg(SVG % inside).decode()
    for word in (
        "script",
        "onload",
        "evil",
        "javascript",
        "import",
        "foreign",
        "onmouse",
    ):
        assert word not in drawn
    assert sanitised_svg(drawn.encode()).decode() == drawn


def test_a_plain_drawing_stays_as_it_is():
    drawn = sanitised_svg(
        SVG % b'<defs><linearGradient id="g"><stop offset="0" style="stop-color:#f00"/>'
        b'</linearGradient></defs><path d="M0 0h9v9z" fill="url(#g)"/><use href="#g"/>'
    ).decode()
    assert 'fill="url(#g)"' in drawn
    assert 'stop-color="#f00"' in drawn
    assert 'href="#g"' in drawn


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg",
        b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        SVG % (b"<g/>" * 6_000),
        SVG % (b"x" * 300_000),
    ],
)
def test_what_is_no_drawing_is_refused(data: bytes):
    with pytest.raises(BadSVG):
        sanitised_svg(data)


def test_one_upload_makes_every_icon():
    made = icons(png(600, 400))
    sizes = {str(kind): opened(picture.data).size for kind, picture in made.items()}
    assert sizes == {
        "icon-32": (32, 32),
        "icon-180": (180, 180),
        "icon-192": (192, 192),
        "icon-512": (512, 512),
        "icon-maskable": (512, 512),
    }


def test_a_logo_is_bounded_and_encoded_anew():
    hidden = png(4000, 1000) + b"<script>alert(1)</script>"
    made = logo(hidden)
    assert made.content_type == "image/png"
    assert opened(made.data).size == (800, 200)
    assert b"script" not in made.data


def test_a_picture_forgets_where_it_was_taken():
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    Image.new("RGB", (400, 300)).save(out, "JPEG", exif=exif)
    made = photo(out.getvalue(), width=120, height=160)
    assert opened(made.data).size == (120, 160)
    assert b"Secret" not in made.data


def test_a_bomb_is_refused_before_it_is_unpacked():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(BadPicture):
        logo(bomb)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"%PDF-1.7", b"\x89PNG\r\n\x1a\nrest"]
)
def test_what_is_no_picture_is_refused(data: bytes):
    with pytest.raises(BadPicture):
        photo(data, width=10, height=10)


def test_a_portal_without_icon_still_has_app_icons():
    made = monogram_icons("A", "#3b5bdb")
    assert {opened(picture.data).size for picture in made.values()} >= {(192, 192)}


def upload(acme: House, kind: str, data: bytes):
    file = SimpleUploadedFile("x.png", data, "image/png")
    client = browser(acme, acme.people["alice"])
    return client.post(
        reverse("brand_picture_set", args=[kind]), {"picture": file}, follow=True
    )


def test_an_uploaded_icon_is_served_at_a_new_address(acme: House):
    visitor = browser(acme)
    before = visitor.get("/accounts/login/").content.decode()
    answer = upload(acme, "icon", png(600, 600))
    assert "The picture was saved." in answer.content.decode()
    portal = Portal.objects.get(pk=acme.portal.pk)
    assert set(portal.pictures) == {
        "icon",
        "icon-32",
        "icon-180",
        "icon-192",
        "icon-512",
        "icon-maskable",
    }
    after = visitor.get("/accounts/login/").content.decode()
    assert before != after
    served = visitor.get(reverse("brand_picture", args=["icon-192"]))
    assert served["Content-Type"] == "image/png"
    assert "immutable" in served["Cache-Control"]
    assert opened(served.content).getpixel((96, 96))[:3] == (255, 0, 0)
    assert visitor.get(reverse("brand_favicon"))["Content-Type"] == "image/png"
    with organization_scope(acme.organization):
        assert AuditRecord.objects.filter(action="brand.saved").count() == 1


def test_a_bad_upload_says_why_and_changes_nothing(acme: House):
    answer = upload(acme, "icon", png(20, 20))
    assert "at least 128 by 128" in answer.content.decode()
    assert not BrandPicture.objects.exists()


def test_a_drawing_is_served_where_it_can_run_nothing(acme: House):
    upload(acme, "logo-light", SVG % b"<script>alert(1)</script><path d='M0 0'/>")
    served = browser(acme).get(reverse("brand_logo", args=["light"]))
    assert served["Content-Type"] == "image/svg+xml"
    assert b"script" not in served.content
    assert "sandbox" in served["Content-Security-Policy"]
    assert served["X-Content-Type-Options"] == "nosniff"


def test_a_picture_taken_away_leaves_the_letter(acme: House):
    upload(acme, "logo-light", png(300, 100))
    browser(acme, acme.people["alice"]).post(
        reverse("brand_picture_set", args=["logo-light"]), {"remove": "1"}
    )
    served = browser(acme).get(reverse("brand_logo", args=["light"]))
    assert served["Content-Type"] == "image/svg+xml"
    assert not BrandPicture.objects.exists()


def test_the_manifest_offers_the_portal_for_installing(acme: House, globex: House):
    manifest = browser(acme).get(reverse("brand_manifest")).json()
    assert manifest["name"] == acme.portal.name
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    assert "Globex" not in str(manifest)
    for icon in manifest["icons"]:
        assert browser(acme).get(icon["src"]).status_code == 200
