"""Every boundary of the threat model names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

TREE = Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "threat-model.md"
# Not files: what `make` runs.
TARGETS = {"make check", "make lint", "make audit", "make sbom"}


class Row(NamedTuple):
    what: str
    tried_in: str


def rows() -> list[Row]:
    """Return every row of the tables that say where something was tried."""
    found: list[Row] = []
    is_such = False
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            is_such = False
        elif cells[-1] == "tried in":
            is_such = True
        elif is_such and not set(line) <= set("|- "):
            found.append(Row(cells[0], cells[-1]))
    return found


def test_there_are_tables_to_check() -> None:
    assert len(rows()) > 30


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.what[:60])
def test_what_a_boundary_names_is_a_test_that_exists(row: Row) -> None:
    named = re.findall(r"`([^`]+)`", row.tried_in)
    assert named, "it names no test"
    for name in named:
        if name in TARGETS:
            target = name.removeprefix("make ")
            assert re.search(rf"^{target}:", (TREE / "Makefile").read_text(), re.M)
            continue
        path, _, function = name.partition("::")
        place = TREE / path
        files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
        assert files, name
        assert all(file.is_file() for file in files), name
        tests = re.findall(
            r"^(?:async )?def (test_\w+)",
            "\n".join(file.read_text() for file in files),
            re.M,
        )
        assert function in tests if function else tests, name
