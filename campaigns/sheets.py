"""Rows of a file, one after another, whatever its size: CSV in any encoding, and XLSX.

None is ever held in memory. What an XLSX file is made of is `campaigns.workbooks`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from campaigns.importing import delimiter_of
from campaigns.workbooks import BadSheet, xlsx_rows

__all__ = ["BadSheet", "SheetRow", "rows_of"]

_SAMPLE_BYTES: Final = 64_000
XLSX: Final = b"PK\x03\x04"


@dataclass(frozen=True)
class SheetRow:
    """One row that is not empty: its line, its cells, and how far into the file it is."""

    line: int
    cells: list[str]
    done_bytes: int


def rows_of(file: IO[bytes]) -> Iterator[SheetRow]:
    """Yield the rows of a file from its start; raises `BadSheet`."""
    start = file.read(4)
    if start == XLSX:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return _xlsx_rows(file, size)
    file.seek(0)
    return _csv_rows(file)


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


def _xlsx_rows(file: IO[bytes], size: int) -> Iterator[SheetRow]:
    for line, cells, read in xlsx_rows(file):
        if any(cells):
            yield SheetRow(line, cells, int(size * read))
