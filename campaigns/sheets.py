"""Rows of a file, one after another, whatever its size: CSV in any encoding, and XLSX.

A CSV file is never held in memory. An XLSX file is: its size is limited where it comes in.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from campaigns.importing import delimiter_of

MAX_CELL: Final = 100_000
_SAMPLE_BYTES: Final = 64_000
XLSX: Final = b"PK\x03\x04"


class BadSheet(ValueError):
    """The file cannot be read as a table; `str()` says why."""


@dataclass(frozen=True)
class SheetRow:
    """One row that is not empty: its line, its cells, and how far into the file it is."""

    line: int
    cells: list[str]
    done_bytes: int


def rows_of(file: IO[bytes]) -> Iterator[SheetRow]:
    """Yield the rows of a file from its start; raises `BadSheet`."""
    start = file.read(4)
    file.seek(0)
    return _xlsx_rows(file) if start == XLSX else _csv_rows(file)


class _Counted(io.RawIOBase):
    """A file that tells how many bytes were read of it, without NULs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        self.done += len(data)
        buffer[: len(data)] = data
        return len(data)


def _csv_rows(file: IO[bytes]) -> Iterator[SheetRow]:
    sample = file.read(_SAMPLE_BYTES)
    file.seek(0)
    counted = _Counted(file)
    text = io.TextIOWrapper(
        io.BufferedReader(counted, 1 << 16),
        encoding=encoding_of(sample),
        errors="replace",
        newline="",
    )
    head = sample.decode(encoding_of(sample), errors="replace").lstrip("\ufeff")
    first = next((line for line in head.splitlines() if line.strip()), "")
    lines = (line.replace("\0", "") for line in text)
    reader = csv.reader(lines, delimiter=delimiter_of(first))
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # a cell beyond the csv module's limit
            yield SheetRow(line, [], counted.done)
            continue
        if any(cell and not cell.isspace() for cell in cells):
            yield SheetRow(line, cells, counted.done)


def encoding_of(sample: bytes) -> str:
    """Return the encoding of a text by its mark, else UTF-8 or Windows-1252."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The sample may end within a letter; that is no other encoding.
        if error.start < len(sample) - 4:
            return "cp1252"
    return "utf-8-sig"


def _xlsx_rows(file: IO[bytes]) -> Iterator[SheetRow]:
    data = file.read()
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = workbook.get_sheet_by_index(0)
        height = max(1, sheet.height)
        first_line = (sheet.start or (0, 0))[0] + 1
        rows = sheet.iter_rows()
    except (CalamineError, IndexError, ValueError) as error:
        raise BadSheet("This file cannot be read as a spreadsheet.") from error
    for index, values in enumerate(rows):
        cells = [_text(value) for value in values]
        if any(cells):
            done = len(data) * (index + 1) // height
            yield SheetRow(first_line + index, cells, done)


def _text(value: object) -> str:
    """Return a cell as people see it: a whole number has no decimals."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
