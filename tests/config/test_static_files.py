"""Collected static files: one style sheet, hashed names, imports that follow."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.templatetags.static import static

from config.staticfiles import PortavoceStaticFilesStorage

STORAGE = {"BACKEND": "config.staticfiles.PortavoceStaticFilesStorage"}


@pytest.fixture(scope="module")
def collected_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static")


@pytest.fixture
def collected(collected_root: Path, settings) -> Path:
    settings.STATIC_ROOT = collected_root
    settings.STORAGES = settings.STORAGES | {"staticfiles": STORAGE}
    if not any(collected_root.iterdir()):
        call_command("collectstatic", interactive=False, verbosity=0)
    return collected_root


def on_disk(root: Path, url: str) -> Path:
    return root / url.removeprefix("/static/")


@pytest.mark.slow
def test_the_style_sheets_are_joined_to_one_in_their_layers(collected: Path):
    sheet = on_disk(collected, static("css/app.css"))
    text = sheet.read_text()
    assert re.fullmatch(r"app\.[0-9a-f]{12}\.css", sheet.name)
    assert "@import" not in text
    assert "@layer tokens {" in text
    assert ".call_panel" in text


@pytest.mark.slow
def test_every_font_the_sheet_names_is_there(collected: Path):
    sheet = on_disk(collected, static("css/app.css"))
    fonts = re.findall(r'url\("(.+?)"\)', sheet.read_text())
    assert fonts
    for font in fonts:
        assert (sheet.parent / font).resolve().exists()


@pytest.mark.slow
def test_modules_import_each_other_by_hashed_names(collected: Path):
    pending, seen = [on_disk(collected, static("js/app.js"))], set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        text = module.read_text()
        for name in re.findall(r'(?:from |import\()"(\.[^"]+)"', text):
            assert re.search(r"\.[0-9a-f]{12}\.js$", name), f"{module.name}: {name}"
            pending.append((module.parent / name).resolve())
    assert any("web_call" in module.name for module in seen)


@pytest.mark.slow
def test_what_a_page_asks_for_is_there_compressed_as_well(collected: Path):
    for name in ("css/app.css", "js/app.js", "icons/sprite.svg"):
        plain = on_disk(collected, static(name))
        small = plain.with_name(plain.name + ".gz")
        assert gzip.decompress(small.read_bytes()) == plain.read_bytes()
    sheet = on_disk(collected, static("css/app.css"))
    assert sheet.with_name(sheet.name + ".gz").stat().st_size < sheet.stat().st_size / 3


@pytest.mark.slow
def test_a_file_nobody_collected_keeps_its_plain_name(collected: Path):
    assert static("nowhere.css") == "/static/nowhere.css"


def test_without_a_manifest_names_are_plain(tmp_path: Path):
    storage = PortavoceStaticFilesStorage(location=tmp_path, base_url="/static/")
    assert storage.url("css/app.css") == "/static/css/app.css"
