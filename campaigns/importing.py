"""Reading leads from pasted text or a small CSV file. Pure: text in, rows and errors out.

Accepted: a table with a heading row (comma, semicolon, tab or bar between), or a plain
list with one number a line, optionally followed by a name. Every number comes out in
E.164. A row that cannot be used is reported with its line and left out; the others
count. Nothing here raises, whatever the text. Files of any size go through
`campaigns.streaming`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from campaigns.columns import (
    MAX_COLUMNS,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
    NUMBER,
    Columns,
    LeadRow,
)
from campaigns.delimited import delimited_rows, delimiter_of
from campaigns.numbers import UnusableNumber, region_of, to_e164

__all__ = [
    "MAX_COLUMNS",
    "MAX_ERRORS",
    "MAX_LEADS",
    "MAX_NAME_LENGTH",
    "MAX_VALUE_LENGTH",
    "Import",
    "LeadRow",
    "RowError",
    "UnusableNumber",
    "decode",
    "delimiter_of",
    "read_leads",
    "region_of",
    "to_e164",
]

MAX_LEADS: Final = 10_000
MAX_ERRORS: Final = 200  # kept; the rest is counted
_LOOKED_AT: Final = 6  # rows by which columns are guessed


@dataclass(frozen=True)
class RowError:
    """Why a line was left out; `line` counts from 1 as an editor does."""

    line: int
    value: str
    message: str


@dataclass(frozen=True)
class Import:
    """What a text came to. `columns` are the names of variables it brings."""

    rows: tuple[LeadRow, ...] = ()
    errors: tuple[RowError, ...] = ()
    error_count: int = 0
    duplicate_count: int = 0
    columns: tuple[str, ...] = ()


def decode(data: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 by its mark, else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_leads(text: str, *, region: str) -> Import:
    """Read leads from a table or a list; later copies of a number are left out."""
    lines = list(_records(text))
    if not lines:
        return Import()
    first = [cells for _line, cells in lines[:_LOOKED_AT]]
    columns, has_headings = Columns.guess_by_rows(first)
    body = lines[1:] if has_headings else lines
    rows: dict[str, LeadRow] = {}
    errors: list[RowError] = []
    error_count = duplicates = 0
    for line, cells in body:
        try:
            row = columns.row_of(cells, region)
            if len(rows) >= MAX_LEADS and row.phone_number not in rows:
                raise UnusableNumber(
                    _("Only the first %(max)d leads of an import are taken.")
                    % {"max": MAX_LEADS}
                )
        except UnusableNumber as error:
            error_count += 1
            if len(errors) < MAX_ERRORS:
                value = columns.cell(cells, NUMBER)[:60]
                errors.append(RowError(line, value, str(error)))
            continue
        if row.phone_number in rows:
            duplicates += 1
        else:
            rows[row.phone_number] = row
    return Import(
        rows=tuple(rows.values()),
        errors=tuple(errors),
        error_count=error_count,
        duplicate_count=duplicates,
        columns=tuple(columns.variables),
    )


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not empty."""
    clean = text.lstrip("\ufeff").replace("\0", "")
    lines = clean.splitlines()  # also \r, and what editors call a line
    first = next((line for line in lines if line.strip()), "")
    # With its end, so that a cell over two lines keeps them apart.
    yield from delimited_rows((f"{line}\n" for line in lines), delimiter_of(first))
