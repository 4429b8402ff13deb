"""Rows of a file, one after another, whatever its size: CSV in any encoding, and XLSX.

None is ever held in memory. What an XLSX file is made of is `campaigns.workbooks`. What
is no text at all is refused before anybody maps its columns.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from campaigns.delimited import delimited_rows, delimiter_of
from campaigns.workbooks import BadSheet, sheet_names, xlsx_rows

__all__ = ["BadSheet", "SheetRow", "rows_of", "sheet_names"]

_SAMPLE_BYTES: Final = 64_000
XLSX: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"
_KINDS: Final = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"{\\rtf")
_CONTROLS: Final = bytes({*range(1, 9), *range(14, 32), 127})
_MOST_CONTROLS: Final = 0.02


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read what is no UTF-8 as Windows does: one file may have been made by both."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", errors="replace"), error.end


codecs.register_error("portavoce-windows", _as_windows)


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
    if start == _OLD_EXCEL:
        raise BadSheet(
            _("This is an Excel file of the old kind. Save it as XLSX or CSV first.")
        )
    file.seek(0)
    sample = file.read(_SAMPLE_BYTES)
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if sample.startswith(_KINDS) or (
        encoding_of(sample) != "utf-16" and controls > len(sample) * _MOST_CONTROLS
    ):
        raise BadSheet(_("This file is no list. Choose a CSV or XLSX file."))
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
        errors="portavoce-windows",
        newline="",
    )
    head = sample.decode(encoding_of(sample), errors="replace").lstrip("\ufeff")
    first = next((line for line in head.splitlines() if line.strip()), "")
    lines = (line.replace("\0", "") for line in text)
    for line, cells in delimited_rows(lines, delimiter_of(first)):
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
