"""What somebody typed is no formula in a spreadsheet of somebody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.cells import safe_cell

TREE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.example","Open")',
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "+",
        "-",
    ],
)
def test_a_formula_is_made_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Anna", "+31612345678", "-3.5", "1=1", "a@b.c"])
def test_everything_else_stays(text: str) -> None:
    assert safe_cell(text) == text


def test_whoever_writes_a_table_makes_its_cells_safe() -> None:
    writers = [
        path
        for room in ("portal", "billing", "calls", "campaigns", "config")
        for path in (TREE / room).rglob("*.py")
        if re.search(r"csv\.writer\(|xlsxwriter", path.read_text())
    ]
    assert len(writers) >= 7
    assert [
        str(path.relative_to(TREE))
        for path in writers
        if "import safe_cell" not in path.read_text()
    ] == []
