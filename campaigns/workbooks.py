"""Rows of an XLSX file, one after another, whatever its size.

An XLSX file is a ZIP of XML parts. The first sheet that is not hidden is read as it is
unpacked, and only one row of it is held. The texts that cells share lie in a part of
their own, before the rows that use them: they go to a temporary file, and memory keeps
where each one begins.

A document type is refused: no spreadsheet has one, and its entities could grow without
bound. So is a part that unpacks to more than any list.
"""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, Final
from xml.parsers import expat

from django.utils.translation import gettext as _

MAX_PART_BYTES: Final = 4_000_000_000
MAX_CELL: Final = 100_000
MAX_COLUMNS: Final = 16_384  # what a spreadsheet program allows
_BLOCK: Final = 1 << 16
# Built-in formats of numbers that are dates or times.
_DATE_FORMATS: Final = frozenset({*range(14, 23), *range(45, 48)})
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no zone
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001


class BadSheet(ValueError):
    """The file cannot be read as a table; `str()` says why."""


class _DocumentType(Exception):
    """A part that begins with a document type."""


def xlsx_rows(file: IO[bytes]) -> Iterator[tuple[int, list[str], float]]:
    """Yield line, cells and the part of the file that is read, from its start.

    Cells are as people see them: a whole number has no decimals, a date is a date.
    Raises `BadSheet`.
    """
    with (
        _refusing_what_is_broken(),
        zipfile.ZipFile(file) as archive,
        _SharedTexts() as texts,
    ):
        book = _Book.of(archive)
        texts.read(archive)
        yield from _sheet_rows(archive, book, texts)


def sheet_names(file: IO[bytes]) -> list[str]:
    """Return the names of the sheets people see; the first is read. Raises `BadSheet`."""
    with _refusing_what_is_broken(), zipfile.ZipFile(file) as archive:
        return _Book.of(archive).sheet_names


@contextmanager
def _refusing_what_is_broken() -> Iterator[None]:
    try:
        yield
    except BadSheet:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        KeyError,  # a part that is missing
        EOFError,
        NotImplementedError,  # a compression nobody uses
        RuntimeError,  # a part with a password
        ValueError,
        _DocumentType,
    ) as error:
        raise BadSheet(_("This file cannot be read as a spreadsheet.")) from error


# Others, which no spreadsheet program writes, unpack a piece whole, however large.
_UNPACKED_IN_PIECES: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def _parse(archive: zipfile.ZipFile, name: str, reader: _Reader) -> Iterator[float]:
    """Feed a part to a reader block by block; yield how much of it is read."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    info = archive.getinfo(name)
    if info.compress_type not in _UNPACKED_IN_PIECES:
        raise NotImplementedError
    size = info.file_size
    if size > MAX_PART_BYTES:
        raise BadSheet(_("This spreadsheet is too large. Save it as CSV."))
    done = 0
    with archive.open(name) as part:
        while block := part.read(_BLOCK):
            done += len(block)
            parser.Parse(block, False)
            yield done / size
        parser.Parse(b"", True)
        yield 1.0


def _refuse(*_args: object) -> None:
    raise _DocumentType


class _Reader:
    """What is told of each element of a part; names come without their prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.opened(name.rpartition(":")[2], attributes)

    def end(self, name: str) -> None:
        self.closed(name.rpartition(":")[2])

    def opened(self, name: str, attributes: dict[str, str]) -> None: ...
    def closed(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


@dataclass
class _Book(_Reader):
    """Where the first visible sheet is, and which cell styles show dates."""

    sheet_id: str = ""
    sheet_names: list[str] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)
    epoch: datetime = _EPOCH
    date_styles: set[int] = field(default_factory=set)
    _date_formats: set[int] = field(default_factory=lambda: set(_DATE_FORMATS))
    _styles: int = 0
    _in_cell_styles: bool = False

    @classmethod
    def of(cls, archive: zipfile.ZipFile) -> _Book:
        book = cls()
        parts = set(archive.namelist())
        for name in ("workbook.xml", "_rels/workbook.xml.rels", "styles.xml"):
            if name == "workbook.xml" or f"xl/{name}" in parts:
                for _done in _parse(archive, f"xl/{name}", book):
                    pass
        return book

    @property
    def sheet(self) -> str:
        target = self.targets.get(self.sheet_id, "worksheets/sheet1.xml")
        return target.lstrip("/") if target.startswith("/") else f"xl/{target}"

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "workbookPr" if attributes.get("date1904") in {"1", "true"}:
                self.epoch = _EPOCH_1904
            case "sheet" if attributes.get("state", "visible") == "visible":
                ids = (v for k, v in attributes.items() if k.endswith(":id"))
                self.sheet_id = self.sheet_id or next(ids, "")
                self.sheet_names.append(attributes.get("name", ""))
            case "Relationship":
                self.targets[attributes["Id"]] = attributes["Target"]
            case "numFmt" if _shows_a_date(attributes.get("formatCode", "")):
                self._date_formats.add(int(attributes["numFmtId"]))
            case "cellXfs":
                self._in_cell_styles = True
            case "xf" if self._in_cell_styles:
                if int(attributes.get("numFmtId", "0")) in self._date_formats:
                    self.date_styles.add(self._styles)
                self._styles += 1

    def closed(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False


def _shows_a_date(code: str) -> bool:
    """Whether a number format has a letter of dates outside quotes and brackets."""
    plain, quote = [], ""
    for letter in code.lower():
        if quote:
            quote = "" if letter == quote else quote
        elif letter in '"[':
            quote = '"' if letter == '"' else "]"
        else:
            plain.append(letter)
    return not {"d", "m", "y", "h", "s"}.isdisjoint(plain) and "general" not in code


class _SharedTexts(_Reader):
    """Texts by their number, kept in a temporary file."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._words: list[str] = []
        self._takes = self._is_spoken = False
        self._length = 0

    def __enter__(self) -> _SharedTexts:
        self._file = tempfile.TemporaryFile()
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def read(self, archive: zipfile.ZipFile) -> None:
        if "xl/sharedStrings.xml" in archive.namelist():
            for _done in _parse(archive, "xl/sharedStrings.xml", self):
                pass

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":  # how it is pronounced
            self._is_spoken = True
        self._takes = name == "t" and not self._is_spoken

    def text(self, data: str) -> None:
        if self._takes and self._length < MAX_CELL:
            self._words.append(data)
            self._length += len(data)

    def closed(self, name: str) -> None:
        self._takes = False
        if name == "rPh":
            self._is_spoken = False
        elif name == "si":
            self._file.write("".join(self._words)[:MAX_CELL].encode())
            self._ends.append(self._file.tell())
            self._words.clear()
            self._length = 0

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            return ""
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode()


class _Sheet(_Reader):
    """Collects rows; whoever reads takes them out between blocks."""

    def __init__(self, book: _Book, texts: _SharedTexts) -> None:
        self._book, self._texts = book, texts
        self.rows: list[tuple[int, list[str]]] = []
        self._line = 0
        self._cells: list[str] = []
        self._words: list[str] = []
        self._kind, self._style, self._length = "n", 0, 0
        self._takes = False

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "row":
                self._line = int(attributes.get("r", self._line + 1))
                self._cells = []
            case "c":
                self._kind = attributes.get("t", "n")
                self._style = int(attributes.get("s", "0"))
                column = _column(attributes.get("r", ""))
                missing = column - len(self._cells) if column >= 0 else 0
                self._cells += [""] * missing
                self._words, self._length = [], 0
            case "v" | "t":
                self._takes = True

    def text(self, data: str) -> None:
        if self._takes and self._length < MAX_CELL:
            self._words.append(data)
            self._length += len(data)

    def closed(self, name: str) -> None:
        match name:
            case "v" | "t":
                self._takes = False
            case "c" if len(self._cells) >= MAX_COLUMNS:
                raise BadSheet(_("This spreadsheet has too many columns."))
            case "c":
                self._cells.append(self._shown("".join(self._words)[:MAX_CELL]))
            case "row":
                self.rows.append((self._line, self._cells))

    def _shown(self, raw: str) -> str:
        match self._kind:
            case "s":
                return self._texts[int(raw)].strip() if raw else ""
            case "n":
                return self._number(raw.strip())
            case "b":
                return str(raw.strip() == "1")
            case "e":  # an error such as #N/A is no value
                return ""
        return raw.strip()

    def _number(self, raw: str) -> str:
        if not raw:
            return ""
        number = float(raw)
        if self._style in self._book.date_styles:
            return _date(self._book.epoch, number) or raw
        # As many digits as a spreadsheet has: 0.1 + 0.2 is 0.3 there.
        return str(int(number)) if number.is_integer() else f"{number:.15g}"


def _date(epoch: datetime, days: float) -> str | None:
    try:
        at = epoch + timedelta(seconds=round(days * 86_400))
    except OverflowError:
        return None
    if days < 1:  # a time of day
        return str(at.time())
    return str(at.date() if float(days).is_integer() else at)


def _column(reference: str) -> int:
    """Return the index of a cell's column by a reference such as `AB12`, or -1."""
    found = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        found = found * 26 + ord(letter) - 64
    return min(found, MAX_COLUMNS) - 1


def _sheet_rows(
    archive: zipfile.ZipFile, book: _Book, texts: _SharedTexts
) -> Iterator[tuple[int, list[str], float]]:
    sheet = _Sheet(book, texts)
    for done in _parse(archive, book.sheet, sheet):
        rows: list[Any] = sheet.rows
        sheet.rows = []
        for line, cells in rows:
            yield line, cells, done
