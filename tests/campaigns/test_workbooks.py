"""Spreadsheets are read row by row, and hostile ones are refused."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import date, datetime

import pytest
import xlsxwriter

from campaigns.workbooks import BadSheet, xlsx_rows


def workbook(table: list[list[object]], *, in_memory: bool = False) -> io.BytesIO:
    target = io.BytesIO()
    options = {"constant_memory": not in_memory, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate(table):
            sheet.write_row(index, 0, row)
    target.seek(0)
    return target


def cells(file: io.BytesIO) -> list[list[str]]:
    return [row for _line, row, _done in xlsx_rows(file)]


@pytest.mark.parametrize("in_memory", [True, False])  # shared texts, and texts in place
def test_cells_are_read_as_they_are_seen(in_memory: bool) -> None:
    table: list[list[object]] = [
        ["phone", "name", "visits"],
        [31612345678, "Zoë <& co>", 4.5],
        ["+31612345679", "", 3],
        [True, date(2026, 11, 27), datetime(2026, 11, 27, 10, 30)],  # noqa: DTZ001
    ]
    assert cells(workbook(table, in_memory=in_memory)) == [
        ["phone", "name", "visits"],
        ["31612345678", "Zoë <& co>", "4.5"],
        ["+31612345679", "", "3"],
        ["True", "2026-11-27", "2026-11-27 10:30:00"],
    ]


def test_a_row_tells_its_line_and_how_much_is_read() -> None:
    rows = list(xlsx_rows(workbook([["a"], [], ["b"]])))
    assert [(line, texts) for line, texts, _done in rows] == [(1, ["a"]), (3, ["b"])]
    assert rows[-1][2] == 1.0


def test_memory_does_not_grow_with_the_rows() -> None:
    file = workbook([[f"+316{n:08d}", f"Person {n}"] for n in range(20_000)])
    rows = xlsx_rows(file)
    tracemalloc.start()
    try:
        for _ in range(5_000):
            next(rows)
        early = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert sum(1 for _ in rows) == 15_000
        late = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert late - early < 1_000_000


def parts(packing: int = zipfile.ZIP_STORED, **changed: str) -> io.BytesIO:
    """A workbook with parts of it replaced, by the end of their names."""
    source, target = zipfile.ZipFile(workbook([["a"]])), io.BytesIO()
    with zipfile.ZipFile(target, "w", packing) as archive:
        for name in source.namelist():
            stem = name.rpartition("/")[2].partition(".")[0]
            archive.writestr(name, changed.get(stem, source.read(name)))
    target.seek(0)
    return target


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'


@pytest.mark.parametrize(
    "file",
    [
        io.BytesIO(b"PK\x03\x04 and then nothing"),
        parts(sheet1=BOMB),
        parts(sheet1="<worksheet><row><c>"),
        parts(sheet1='<worksheet><row r="x"></row></worksheet>'),
        parts(workbook=BOMB),
        parts(zipfile.ZIP_BZIP2),
        parts(zipfile.ZIP_LZMA),
    ],
)
def test_a_broken_or_hostile_file_is_refused(file: io.BytesIO) -> None:
    with pytest.raises(BadSheet):
        cells(file)
