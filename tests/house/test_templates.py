"""The templates' rules: nothing inline, controls labelled, all components shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

from portal import styleguide

ROOT = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(ROOT.rglob("*.html"))
# Mail programs read no style sheets.
MAILS = [path for path in TEMPLATES if path.is_relative_to(ROOT / "mail")]
PAGES = [path for path in TEMPLATES if path not in MAILS]
COMPONENTS = styleguide.component_files()

COMMENT = re.compile(
    r"\{%\s*comment.*?endcomment\s*%\}|\{#.*?#\}|<!--.*?-->", re.DOTALL
)
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def markup(path: Path) -> str:
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


class Controls(HTMLParser):
    """Collects controls that have no name a screen reader could say."""

    def __init__(self) -> None:
        super().__init__()
        self.labels_open = 0
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, dict[str, str | None], bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "label":
            self.labels_open += 1
            if values.get("for"):
                self.labelled.add(str(values["for"]))
        if tag in {"input", "select", "textarea"} and values.get("type") not in {
            "hidden",
            "submit",
        }:
            self.controls.append((tag, values, self.labels_open > 0))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.labels_open -= 1

    def nameless(self) -> list[str]:
        return [
            f"{tag} {values.get('name') or values.get('id')}"
            for tag, values, is_inside in self.controls
            if not is_inside
            and not values.get("aria-label")
            and values.get("id") not in self.labelled
        ]


def controls_of(html: str) -> Controls:
    parser = Controls()
    parser.feed(html)
    return parser


@pytest.fixture(params=PAGES, ids=name_of)
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_nothing_is_inline(page: Path):
    text = markup(page)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style\b", text)
    assert not re.search(r"\son[a-z]+\s*=", TAG.sub("", text))
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "javascript:" not in text


def test_every_control_has_a_label(page: Path):
    # What a page draws itself; {% field %} is checked where it is drawn, below.
    text = re.sub(r"\{\{\s*([\w.]+).*?\}\}", r"\1", markup(page))
    assert not controls_of(re.sub(r"\{%.*?%\}", "", text, flags=re.DOTALL)).nameless()


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_compiles(path: Path):
    get_template(name_of(path))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_static_file_that_is_named_exists(path: Path):
    for name in re.findall(r"\{%\s*static\s+['\"](.+?)['\"]\s*%\}", markup(path)):
        assert finders.find(name), name


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_an_icon_that_is_named_is_in_the_sprite(path: Path):
    sprite = (Path(settings.BASE_DIR) / "static/icons/sprite.svg").read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    text = markup(path)
    named = set(re.findall(r"\{%\s*icon\s+['\"]([\w-]+)['\"]", text))
    named |= set(re.findall(r"\bicon=['\"]([\w-]+)['\"]", text))
    assert named <= known


def test_a_component_that_is_included_exists(page: Path):
    included = re.findall(r"include\s+['\"](components/[\w.]+)['\"]", markup(page))
    assert {name for name in included if not (ROOT / name).exists()} == set()


def test_a_component_sees_only_what_it_is_given(page: Path):
    for tag in re.findall(r"\{%\s*include\s+['\"]components/.*?%\}", markup(page)):
        assert re.search(r"\bonly\s*%\}$", tag), tag


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_a_component_documents_itself(path: Path):
    component = styleguide.read_component(path)
    assert component.purpose
    assert component.context
    assert component.accessibility


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_a_component_has_its_example(path: Path):
    assert (ROOT / "styleguide" / path.name).exists()


def test_an_example_shows_a_component_that_exists():
    shown = {path.stem for path in (ROOT / "styleguide").glob("*.html")}
    assert shown == {path.stem for path in COMPONENTS}


@pytest.fixture(scope="module")
def guide() -> str:
    request = RequestFactory().get("/ops/styleguide/")
    brand = {"name": "Acme", "css_url": "", "logo_url": "", "favicon_url": ""}
    return render_to_string(
        "ops/styleguide.html",
        {**styleguide.context(), "request": request, "brand": brand, "theme": "light"},
    )


def test_the_style_guide_shows_every_component(guide: str):
    for path in COMPONENTS:
        assert f'id="{path.stem}"' in guide


def test_every_control_of_the_style_guide_has_a_label(guide: str):
    assert not controls_of(guide).nameless()


def test_the_style_guide_repeats_no_id(guide: str):
    ids = re.findall(r'\sid="([^"]+)"', guide)
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


def test_a_field_joins_its_help_and_errors_to_the_control(guide: str):
    wrong = re.search(r'<input[^>]*id="id_light-wrong-name"[^>]*>', guide)
    assert wrong
    described_by = re.search(r'aria-describedby="([^"]+)"', wrong[0])
    assert described_by
    assert 'aria-invalid="true"' in wrong[0]
    for name in described_by[1].split():
        assert f'id="{name}"' in guide
