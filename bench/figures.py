"""What the bench hands over: figures with their peer, their limit and their goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table, and of `figures` in bench.json.

    Ratios are ours divided by the other's, each the median of the rounds' own ratios:
    what a round shares, such as a slow minute of the machine, falls out.
    """

    name: str
    unit: str
    ours: float | None
    goal: str
    met: bool | None  # None: there was nothing to compare with
    peer: float | None = None
    peer_name: str | None = None
    limit: float | None = None
    limit_name: str | None = None
    ratio_to_peer: float | None = None
    ratio_to_limit: float | None = None
    runs: list[Any] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def median(values: Sequence[float | None]) -> float | None:
    """The middle of what was measured, to three digits; None when nothing was."""
    known = [value for value in values if value is not None]
    return float(f"{statistics.median(known):.3g}") if known else None


def ratio(
    ours: Sequence[float | None], other: Sequence[float | None]
) -> tuple[float | None, float | None, float | None]:
    """The median, least and greatest ratio of rounds; Nones when there are none."""
    found = [
        mine / theirs
        for mine, theirs in zip(ours, other, strict=False)
        if mine is not None and theirs
    ]
    if not found:
        return None, None, None
    middle = statistics.median(found)
    return round(middle, 2), round(min(found), 2), round(max(found), 2)


def percentile(values: Sequence[float], share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def at_most(value: float | None, limit: float) -> bool | None:
    return None if value is None else value <= limit


def at_least(value: float | None, limit: float) -> bool | None:
    return None if value is None else value >= limit


def all_met(*parts: bool | None) -> bool | None:
    """False when one is; None when one could not be told and none is False."""
    if False in parts:
        return False
    return None if None in parts else True


def spread(found: tuple[float | None, float | None, float | None]) -> str:
    middle, least, greatest = found
    if middle is None:
        return "–"
    return f"{middle:g} ({least:g}–{greatest:g})"


def table(figures: Sequence[dict[str, Any]]) -> str:
    """Return the figures for a person who reads a terminal."""
    rows = [("figure", "ours", "peer", "limit", "× peer", "× limit", "goal", "")]
    verdicts = {True: "met", False: "NOT MET", None: "untold"}
    rows += [
        (
            f"{f['name']}, {f['unit']}",
            *(_number(f[key]) for key in ("ours", "peer", "limit")),
            *(_number(f[key]) for key in ("ratio_to_peer", "ratio_to_limit")),
            f["goal"],
            verdicts[f["met"]],
        )
        for f in figures
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}"
