"""A portal's own words for credits and assistants, on every page and in every mail.

The words lie over the catalogue of translations: whatever a page says by gettext about
an assistant or a credit, it says with the portal's word, in every language, with no
page knowing of it. What people wrote themselves is no message of the catalogue and is
never touched. Whether one or several are meant is told by the English message, since
German says "Assistenten" for both.

A word that could be markup or a format is not used at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

from django.utils.translation import trans_real

# How each language says them, by what the English message says.
_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "assistants": ("assistants", "assistenten"),
    "assistant": ("assistant", "assistent", "assistenten"),
    "credits": ("credits",),
    "credit": ("credit",),
}
# Messages that speak of the words themselves, where they are chosen.
_ABOUT_WORDS: Final = re.compile(r"word for |Such as “")
_PLAIN: Final = re.compile(r"[\w ’-]{1,30}")
# Django has no public way to lay something over a catalogue for one request.
_active: Any = trans_real._active  # type: ignore[attr-defined]  # not in the stubs
_ARTICLE: Final = r"(?:(?P<article>\b[Aa]n?)(?P<gap>\s+))?"


@dataclass(frozen=True)
class Words:
    """What a portal calls them; empty: as everybody does."""

    assistant: str = ""
    assistants: str = ""
    credit: str = ""
    credits: str = ""

    @property
    def chosen(self) -> Mapping[str, str]:
        """Return the words that are there and harmless."""
        words = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: word for name, word in words.items() if is_harmless(word)}


def is_harmless(word: str) -> bool:
    """Whether a word is letters, digits, spaces and hyphens, so that it is only a word."""
    return bool(_PLAIN.fullmatch(word))


@contextmanager
def speaking(words: Words) -> Iterator[None]:
    """Say a portal's words in the language that is active now, until the block ends."""
    base = getattr(_active, "value", None)
    if base is None or not words.chosen:
        yield
        return
    _active.value = _Worded(base, words)
    try:
        yield
    finally:
        _active.value = base


class _Worded:
    """A language's catalogue with a portal's words; all else is the catalogue's."""

    def __init__(self, base: Any, words: Words) -> None:
        self._base = base
        self._words = words

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)

    def gettext(self, message: str) -> str:
        return put(self._base.gettext(message), message, self._words)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        said = self._base.ngettext(singular, plural, number)
        return put(said, singular if number == 1 else plural, self._words)


@lru_cache(maxsize=8_192)
def put(said: str, message: str, words: Words) -> str:
    """Return a translated message with the words of a portal in it."""
    if _ABOUT_WORDS.match(message):
        return said
    for name, word in words.chosen.items():
        if not re.search(rf"\b{name}\b", message, re.IGNORECASE):
            continue
        for form in _forms(name, message):
            pattern = rf"{_ARTICLE}\b(?P<form>{form})\b(?! (?:card|note)s?\b)"
            said = re.sub(pattern, _in_its_place(word), said, flags=re.IGNORECASE)
    return said


def _forms(name: str, message: str) -> tuple[str, ...]:
    """Return the forms that mean this word; one that means both goes to the plural."""
    forms = _FORMS[name]
    if name == "assistant" and re.search(r"\bassistants\b", message, re.IGNORECASE):
        return forms[:-1]
    return forms


def _in_its_place(word: str) -> Callable[[re.Match[str]], str]:
    def replaced(found: re.Match[str]) -> str:
        form, article = found["form"], found["article"]
        is_capital = form[0].isupper()
        shown = word[0].upper() + word[1:] if is_capital else word
        if article is None:
            return shown
        right = "an" if word[0].lower() in "aeiou" else "a"
        if article[0].isupper():
            right = right.capitalize()
        return f"{right}{found['gap']}{shown}"

    return replaced
