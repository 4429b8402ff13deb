"""The style sheets' rules: colours from tokens, order from layers, any direction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from common.color import Oklch, contrast, from_oklch, mix

CSS = Path(settings.BASE_DIR) / "static" / "css"
SHEETS = sorted(CSS.rglob("*.css"))
COLOR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch)\(", re.I)
PHYSICAL = re.compile(
    r"(?:^|[\s;{])(?:(?:margin|padding|border)-(?:left|right|top|bottom)|left|right|top"
    r"|bottom|width|height|min-width|max-width|min-height|max-height)\s*:",
)
SIDEWAYS = re.compile(r"(?:text-align|float|clear):\s*(?:left|right)")


def rules(sheet: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(params=SHEETS, ids=lambda path: str(path.relative_to(CSS)))
def sheet(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_no_colour_stands_outside_the_tokens(sheet: Path):
    if sheet.name == "tokens.css":
        return
    found = [
        match[0]
        for match in COLOR.finditer(re.sub(r"url\([^)]*\)", "", rules(sheet)))
        if match[0] not in {"#id"}
    ]
    assert not found


def test_nothing_is_important(sheet: Path):
    assert "!important" not in rules(sheet)


def test_no_side_is_physical(sheet: Path):
    # A media query asks for the window's width; there is no logical word for it.
    text = re.sub(r"@(?:media|container)[^{]*", "", rules(sheet))
    assert not PHYSICAL.findall(text)
    assert not SIDEWAYS.findall(text)


def test_every_sheet_is_imported_into_a_layer():
    lines = (CSS / "app.css").read_text()
    imported = dict(re.findall(r'@import "\./(.+?)" layer\((\w+)\);', lines))
    assert set(imported) == {
        str(path.relative_to(CSS)) for path in SHEETS if path.name != "app.css"
    }
    order = re.search(r"@layer ([^;]+);", lines)
    assert order
    assert set(imported.values()) == set(order[1].split(", "))


def test_a_components_sheet_styles_what_carries_its_name():
    for path in sorted((CSS / "components").glob("*.css")):
        names = set(
            re.findall(r"^\.([a-z]+(?:_[a-z]+)*?)(?=__|[^\w])", rules(path), re.M)
        )
        assert names, path.name


def test_there_are_at_most_twelve_utilities():
    assert len(set(re.findall(r"^\.(\w+)", rules(CSS / "utilities.css"), re.M))) <= 12


def tokens() -> dict[str, tuple[str, str]]:
    """Tokens written as light-dark(oklch(…), oklch(…)), as hex, for one brand hue."""
    text = rules(CSS / "tokens.css").replace("var(--brand-neutral-hue)", "250")
    found = re.findall(
        r"--([a-z-]+): light-dark\(oklch\(([\d. ]+)\), oklch\(([\d. ]+)\)\);", text
    )
    return {
        name: tuple(  # type: ignore[misc]  # pairs, by the pattern
            from_oklch(Oklch(*(float(part) for part in value.split())))
            for value in (light, dark)
        )
        for name, light, dark in found
    }


GROUNDS = ("surface", "surface-raised", "surface-sunken", "surface-hover")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "name",
    ["text", "text-muted", "danger-text", "warning-text", "success-text", "info-text"],
)
def test_text_is_readable_on_every_surface(name: str, scheme: int):
    values = tokens()
    for ground in GROUNDS:
        assert contrast(values[name][scheme], values[ground][scheme]) >= 4.5, ground


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("meaning", ["danger", "warning", "success", "info"])
def test_a_meaning_is_readable_on_its_own_well(meaning: str, scheme: int):
    values = tokens()
    soft = values[f"{meaning}-soft"][scheme]
    assert contrast(values[f"{meaning}-text"][scheme], soft) >= 4.5
    assert contrast(values["text"][scheme], soft) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_edge_of_a_control_stands_out(scheme: int):
    values = tokens()
    for ground in GROUNDS[:3]:
        assert contrast(values["border-strong"][scheme], values[ground][scheme]) >= 3


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_a_destructive_button_is_readable_also_under_the_pointer(scheme: int):
    values = tokens()
    fill, ink = values["danger"][scheme], values["on-danger"][scheme]
    assert contrast(ink, fill) >= 4.5
    if scheme == 0:
        assert contrast(ink, mix(fill, values["text"][scheme], 0.88)) >= 4.5
