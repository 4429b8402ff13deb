"""A brand's style sheet: readable whatever was chosen, and nothing but variables."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings
from hypothesis import given, settings as hypothesis_settings, strategies as st

from common.color import TEXT_RATIO, contrast, mix
from portal.branding import (
    SOFT_SHARE,
    SURFACES,
    brand_css,
    brand_version,
    contrast_report,
    default_logo_svg,
    nudges,
    preview_css,
    scheme_colors,
    surfaces,
)
from portal.models import Portal

accents = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
hues = st.integers(0, 360)


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"^  --brand-([a-z-]+): ([^;]+);$", css, re.MULTILINE))


@given(accents, hues)
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_accent_is_readable_in_both_schemes(accent, hue):
    for scheme in SURFACES:
        colors = scheme_colors(accent, scheme, hue)
        assert contrast(colors.on_fill, colors.fill) >= TEXT_RATIO
        for ground in surfaces(scheme, hue):
            assert contrast(colors.text, ground) >= TEXT_RATIO
        soft = mix(colors.text, surfaces(scheme, hue)[1], SOFT_SHARE)
        assert contrast(colors.text, soft) >= TEXT_RATIO


def test_a_strong_accent_is_used_as_it_was_chosen():
    assert scheme_colors("#3b5bdb", "light", 250).fill == "#3b5bdb"
    assert scheme_colors("#3b5bdb", "light", 250).text == "#3b5bdb"


def test_an_accent_like_the_page_still_makes_a_button_that_shows():
    assert scheme_colors("#ffffff", "light", 250).fill != "#ffffff"
    assert scheme_colors("#101216", "dark", 250).fill != "#101216"


def test_the_surfaces_are_those_of_the_tokens():
    tokens = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
    names = ("surface", "surface-raised", "surface-sunken", "surface-hover")
    for at, name in enumerate(names):
        found = re.search(
            rf"--{name}: light-dark\(oklch\(([\d.]+) ([\d.]+) .+?\)\)?, "
            rf"oklch\(([\d.]+) ([\d.]+)",
            tokens,
        )
        assert found, name
        numbers = tuple(float(number) for number in found.groups())
        assert numbers == SURFACES["light"][at] + SURFACES["dark"][at]


def test_the_sheet_holds_the_brands_inputs_and_nothing_else():
    portal = Portal(
        name="Acme", accent_color="#0E7C66", neutral_hue_deg=160, radius="round"
    )
    css = brand_css(portal)
    assert variables(css)["accent"] == "#0e7c66"
    assert variables(css)["neutral-hue"] == "160"
    assert variables(css)["radius"] == "0.875rem"
    assert css.count(":root") == 1
    assert len(css.splitlines()) <= 16


def test_two_brands_have_two_sheets():
    one = Portal(name="Acme", accent_color="#3b5bdb")
    other = Portal(name="Globex", accent_color="#c2410c", font="serif")
    assert brand_css(one) != brand_css(other)
    assert brand_version(one) != brand_version(other)


def test_the_version_follows_the_name_and_the_logo():
    before = brand_version(Portal(name="Acme"))
    assert brand_version(Portal(name="Acme")) == before
    assert brand_version(Portal(name="Acme!")) != before
    assert brand_version(Portal(name="Acme", brand_version=2)) != before


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"accent_color": "red;}body{display:none"},
        {"neutral_hue_deg": "-1); }"},
        {"neutral_hue_deg": "²"},
        {"radius": "1px;x", "font": "</style>", "density": "0;}"},
    ],
)
def test_a_preview_of_nonsense_is_the_default_look(query):
    assert preview_css(query) == preview_css({})


def test_a_preview_equals_the_sheet_that_saving_gives():
    portal = Portal(accent_color="#c2410c", font="serif", density="compact")
    query = {
        "accent_color": "#c2410c",
        "neutral_hue_deg": str(portal.neutral_hue_deg),
        "radius": portal.radius,
        "font": "serif",
        "density": "compact",
    }
    assert preview_css(query) == brand_css(portal)


def test_the_report_measures_both_schemes_and_finds_them_readable():
    rows = contrast_report("#ffe600", 90)
    assert [row.scheme for row in rows] == ["light"] * 4 + ["dark"] * 4
    assert all(row.is_enough for row in rows)


@pytest.mark.parametrize(
    ("name", "letter"), [("acme voice", "A"), ("<script>", "•"), ("", "•"), ("É", "É")]
)
def test_a_portal_without_a_logo_gets_its_letter(name, letter):
    svg = ElementTree.fromstring(default_logo_svg(Portal(name=name)))
    assert svg.findtext("{http://www.w3.org/2000/svg}text") == letter


def test_buttons_wear_the_primary_colour_and_links_the_accent():
    portal = Portal(name="Acme", primary_color="#c2410c", accent_color="#3b5bdb")
    found = variables(brand_css(portal))
    assert found["fill-light"] == "#c2410c"
    assert found["text-light"] == "#3b5bdb"


def test_a_colour_that_cannot_be_read_is_told_with_what_is_shown():
    [fill, text] = [
        nudge for nudge in nudges("#ffffff", 250) if nudge.scheme == "light"
    ]
    assert (fill.chosen, text.chosen) == ("#ffffff", "#ffffff")
    assert contrast(text.shown, surfaces("light", 250)[0]) >= TEXT_RATIO
    assert fill.shown != "#ffffff"
    assert not [nudge for nudge in nudges("#3b5bdb", 250) if nudge.scheme == "light"]
