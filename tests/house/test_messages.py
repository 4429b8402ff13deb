"""Every text has its Dutch and its German words, with the same values and markup."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

from config.management.commands.messages import catalogue_files, is_translated

TREE = Path(__file__).resolve().parents[2]
SOURCES = ("*.py", "templates/*.html", "templates/*.txt")
NOT_OURS = ("tests/", "bench/")
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What a translation keeps letter for letter: values, markup, variables of a template.
KEPT = re.compile(r"%\(\w+\)[.\d]*[a-z]|%%|\{\{?\w*\}?\}|</?\w[^>]*>")
Key = tuple[str | None, str]


def read(path: Path) -> Catalog:
    with path.open("rb") as source:
        return read_po(source, locale=path.parts[-3])


def key_of(message: Message) -> Key:
    first = message.id if isinstance(message.id, str) else message.id[0]
    return (message.context, first)


def forms(words: Any) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def texts_of(path: Path) -> Iterator[Key]:
    """Give what a file says; a template is read as Django's `makemessages` reads it."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        source = f"(\n{templatize(source)}\n)"
    found = extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS)
    for _line, words, _comments, context in found:
        yield (context, forms(words)[0])


@pytest.fixture(scope="module")
def said() -> set[Key]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *SOURCES],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [n for n in listed.stdout.splitlines() if not n.startswith(NOT_OURS)]
    texts = {text for name in names for text in texts_of(TREE / name)}
    assert len(texts) > 2_000
    return texts


languages = pytest.mark.parametrize(
    "path", catalogue_files(), ids=lambda path: path.parts[-3]
)


@languages
def test_no_text_waits_for_its_words(path: Path, said: set[Key]) -> None:
    known = {key_of(one) for one in read(path) if one.id and is_translated(one)}
    missing = sorted(text for _context, text in said - known)
    assert missing == [], f"{len(missing)} texts: `make messages`, then translate"


@languages
def test_nothing_is_kept_that_nobody_says(path: Path, said: set[Key]) -> None:
    known = {key_of(one) for one in read(path) if one.id}
    assert known - said == set(), "run `make messages`"


@languages
def test_no_translation_is_a_guess(path: Path) -> None:
    assert [one.id for one in read(path) if one.id and one.fuzzy] == []


@languages
def test_translations_keep_values_and_markup(path: Path) -> None:
    wrong = []
    for one in read(path):
        if not one.id:
            continue
        wanted = [sorted(KEPT.findall(form)) for form in forms(one.id)]
        for words in forms(one.string):
            if sorted(KEPT.findall(words)) not in wanted:
                wrong.append((one.id, words))
    assert wrong == []


@languages
def test_translations_begin_and_end_as_the_text_does(path: Path) -> None:
    """A sentence ends as one, and no space of ours is lost."""
    wrong = [
        (one.id, words)
        for one in read(path)
        if one.id and " " in forms(one.id)[0]
        for words in forms(one.string)
        if (forms(one.id)[0][-1] in ".?:…") != (words[-1] in ".?:…")
        or words != words.strip()
    ]
    assert wrong == []


@languages
def test_the_compiled_catalogue_is_that_of_the_words(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as source:
        compiled = {key_of(one): forms(one.string) for one in read_mo(source) if one.id}
    written = {key_of(one): forms(one.string) for one in read(path) if one.id}
    assert compiled == written, "run `make messages`"
