"""Rows of text whose cells are separated: by a comma, a semicolon, a tab or a bar. Pure.

A quotation mark that nobody closes would take everything behind it into one cell, and
with it people. Such a line is read for itself, as if the mark were not there.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

MAX_LINES: Final = 50  # of one row: more is a mark that was not closed
_DELIMITERS: Final = ",;\t|"


def delimiter_of(line: str) -> str:
    """Return what stands between the cells of a line."""
    return max(_DELIMITERS, key=line.count)


def delimited_rows(
    lines: Iterable[str], delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line each row begins at, from 1, and its cells; empty rows are left out.

    Lines come with their ends. Nothing here raises, whatever the text.
    """
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        begin = source.number
        source.taken.clear()
        is_well_formed = True
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            is_well_formed = False
        if not is_well_formed or len(source.taken) > MAX_LINES:
            cells = _alone(source.taken, delimiter)
            source.give_back(source.taken[1:])
            reader = csv.reader(source, delimiter=delimiter, strict=True)
        # A cell beyond the csv module's limit is told as a row with nothing in it.
        is_lost = not is_well_formed and not cells
        if is_lost or any(cell and not cell.isspace() for cell in cells):
            yield begin + 1, cells


def _alone(lines: list[str], delimiter: str) -> list[str]:
    """Return the cells of the first of these lines, whatever its marks say."""
    line = lines[0] if len(lines) == 1 else lines[0].replace('"', "")
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


class _Lines:
    """Lines one after another; what one row took can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self, lines: list[str]) -> None:
        self.number -= len(lines)
        self._back.extendleft(reversed(lines))
