"""Almost nothing catches everything, and what does says why it must."""

from __future__ import annotations

import re
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
ROOMS = ("common", "portal", "assistants", "billing", "calls", "campaigns", "config")
# A vendor's client, an executor, one call: each turns any fault into something of its own.
MOST = 5


def lines() -> list[tuple[str, str, str]]:
    """Return every line of the product with where it is and the line before it."""
    found = []
    for room in ROOMS:
        for path in sorted((TREE / room).rglob("*.py")):
            before = ""
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found.append((f"{path.relative_to(TREE)}:{number}", line, before))
                before = line
    return found


def test_few_catch_everything_and_none_without_a_reason() -> None:
    blanket = [
        (where, line)
        for where, line, _before in lines()
        if re.search(
            r"except (\(?|.*\b)Exception\b|except:|suppress\(.*\bException\b", line
        )
    ]
    assert len(blanket) <= MOST, blanket
    assert [where for where, line in blanket if "#" not in line] == []


def test_every_edge_says_why_nothing_may_cross_it() -> None:
    silent = [
        where
        for where, line, before in lines()
        if re.search(r"\bwith .*\bcontained\(", line)
        and "  # " not in line
        and not before.strip().startswith("#")
        and "common/edges.py" not in where
    ]
    assert silent == []
