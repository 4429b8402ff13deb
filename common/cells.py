"""Cells of files that people open in a spreadsheet, which runs what looks like a formula."""

from __future__ import annotations

from typing import Final

# Also as East Asian keyboards write them, and what some programs skip at the front.
_BEGINS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number stays one."""
    is_number = text[:1] in "+-" and text[1:].replace(".", "", 1).isdecimal()
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) and not is_number else text
