"""A document of another system, taken apart; what nobody took is known in the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

MAX_NOTES: Final = 500
_MAX_SHOWN: Final = 200
# `maxTokens` is a number of them and no secret.
_SECRET: Final = re.compile(r"secret|token$|api_?key|authorization|password", re.I)

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Note:
    """One field of the document that did not come over as it was."""

    path: str
    value: str
    message: str


class Source:
    """One document. `take` reads a field and marks it, with all below it, as used."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._used: set[Path] = set()
        self.notes: list[Note] = []

    def take(self, *path: str | int) -> Any:
        """Return what stands there; None, and nothing is marked, when nothing does."""
        value = self.look(*path)
        if value is not None:
            self._used.add(path)
        return value

    def look(self, *path: str | int) -> Any:
        """Return what stands there, and leave it to be taken or listed."""
        found: Any = self._document
        for step in path:
            if isinstance(found, Mapping) and isinstance(step, str):
                found = found.get(step)
            elif (
                isinstance(found, list) and isinstance(step, int) and step < len(found)
            ):
                found = found[step]
            else:
                return None
        return found

    def text(self, *path: str | int) -> str | None:
        """Take a text; anything else is left to be listed."""
        value = self.look(*path)
        return self.take(*path) if isinstance(value, str) else None

    def number(self, *path: str | int) -> float | None:
        """Take a number; anything else is left to be listed."""
        value = self.look(*path)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        self.take(*path)
        return value

    def switch(self, *path: str | int) -> bool | None:
        """Take a yes or no."""
        value = self.look(*path)
        return self.take(*path) if isinstance(value, bool) else None

    def items(self, *path: str | int) -> Iterator[Path]:
        """Return the way to every entry of a list."""
        value = self.look(*path)
        if isinstance(value, list):
            for index in range(len(value)):
                yield (*path, index)

    def note(self, path: Path, message: str) -> None:
        """Tell that a field came over otherwise, or not, and why."""
        self._used.add(path)
        self.notes.append(Note(written(path), shown(path, self.look(*path)), message))

    def rest(self) -> list[Note]:
        """Return what was said about fields, and then every field that nobody took."""
        message = _("There is nothing like it here.")
        left = [
            Note(written(path), shown(path, value), message)
            for path, value in self._leaves(self._document, ())
        ]
        return (self.notes + left)[:MAX_NOTES]

    def _leaves(self, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        if path in self._used or value in (None, "", [], {}):
            return
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield from self._leaves(inner, (*path, str(name)))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                yield from self._leaves(inner, (*path, index))
        else:
            yield path, value


def written(path: Path) -> str:
    """Return a way as people write it: `model.tools[0].server`."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".")


def shown(path: Path, value: Any) -> str:
    """Return a value for a list: short, and no secret."""
    if any(isinstance(step, str) and _SECRET.search(step) for step in path):
        return "••••"
    text = json.dumps(value, ensure_ascii=False) if _has_parts(value) else str(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _has_parts(value: Any) -> bool:
    return isinstance(value, Mapping | list)
