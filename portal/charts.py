"""Geometry of the small charts: numbers in, coordinates out. No markup, no colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PARTS: Final[tuple[tuple[str, str | Promise], ...]] = (
    ("endpointing", _("End of speech")),
    ("stt", _("Recognition")),
    ("llm", _("Model")),
    ("tts", _("Voice")),
    ("transport", _("Transport")),
)


LABELS: Final = 14  # below a chart, side by side
FEW_LABELS: Final = 6  # on a phone
WIDEST: Final = 8.75  # percent of the chart, of one bar


@dataclass(frozen=True)
class Line:
    """Points of a line and of the area below it, in a `width` x `height` box."""

    width: int
    height: int
    points: str
    area: str
    last_x: float
    last_y: float


def line(values: Sequence[float], width: int, height: int) -> Line | None:
    """Scale values to a box, lowest at the bottom; `None` for fewer than two."""
    if len(values) < 2:
        return None
    pad = 3
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = (width - 2 * pad) / (len(values) - 1)
    spots = [
        (
            round(pad + step * index, 1),
            round(height - pad - (value - low) / span * (height - 2 * pad), 1),
        )
        for index, value in enumerate(values)
    ]
    points = " ".join(f"{x},{y}" for x, y in spots)
    area = f"{spots[0][0]},{height} {points} {spots[-1][0]},{height}"
    return Line(width, height, points, area, *spots[-1])


@dataclass(frozen=True)
class Bar:
    """Across in percent, so that words keep their size however narrow the chart is."""

    label: str
    value: float
    x: float
    y: float
    width: float
    height: float
    middle: float
    shows_label: bool = True
    shows_when_narrow: bool = True


@dataclass(frozen=True)
class Bars:
    height: int
    base: int
    top: float
    bars: tuple[Bar, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw but a line with dates."""
        return not any(bar.value for bar in self.bars)


def bars(rows: Sequence[dict[str, Any]], height: int) -> Bars | None:
    """Upright bars from zero; every bar of a value above zero is at least 2 high."""
    if not rows:
        return None
    base, head = height - 24, 20
    top = max(float(row["value"]) for row in rows)
    slot = 100 / len(rows)
    thick = min(slot * 0.68, WIDEST)
    # So many words fit below; the newest is always told.
    every, few = -(-len(rows) // LABELS), -(-len(rows) // FEW_LABELS)
    drawn = []
    for index, row in enumerate(rows):
        value = float(row["value"])
        tall = max(2.0, value / top * (base - head)) if value > 0 else 0.0
        middle = slot * index + slot / 2
        drawn.append(
            Bar(
                label=str(row["label"]),
                value=row["value"],
                x=round(middle - thick / 2, 2),
                y=round(base - tall, 1),
                width=round(thick, 2),
                height=round(tall, 1),
                middle=round(middle, 2),
                shows_label=(len(rows) - 1 - index) % every == 0,
                shows_when_narrow=(len(rows) - 1 - index) % few == 0,
            )
        )
    return Bars(height, base, top, tuple(drawn))


@dataclass(frozen=True)
class Ranked:
    label: str
    value: int
    percent: float


def ranked(rows: Sequence[dict[str, Any]]) -> list[Ranked]:
    """Width of each row against the greatest, in the order given."""
    top = max((int(row["value"]) for row in rows), default=0)
    return [
        Ranked(
            str(row["label"]),
            int(row["value"]),
            round(int(row["value"]) / top * 100, 1) if top else 0.0,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Part:
    name: str
    label: str | Promise
    value_ms: int
    start_percent: float
    width_percent: float


@dataclass(frozen=True)
class LatencyBar:
    response_ms: int
    parts: tuple[Part, ...]


def latency(timing: Any, scale_ms: int = 0) -> LatencyBar | None:
    """Lay the parts of a wait side by side, in percent of the longest known length.

    That is `scale_ms`, the sum of the parts or the wait. `timing` is a `TurnTiming`, a
    row or a dict with the same names.
    """
    if timing is None:
        return None

    def read(name: str) -> int:
        if isinstance(timing, dict):
            return int(timing.get(name) or 0)
        return int(getattr(timing, name, None) or 0)

    values = [(name, label, read(f"{name}_ms")) for name, label in PARTS]
    response_ms = read("response_ms")
    total = max(scale_ms, sum(value for *_rest, value in values), response_ms, 1)
    start, parts = 0.0, []
    for name, label, value in values:
        width = value / total * 100
        if value > 0:
            parts.append(Part(name, label, value, round(start, 2), round(width, 2)))
        start += width
    return LatencyBar(response_ms, tuple(parts))


@dataclass(frozen=True)
class Step:
    label: str
    value: int
    percent: float
    kept_percent: float | None


def funnel(rows: Sequence[dict[str, Any]]) -> list[Step]:
    """Width of each step against the first, and what it kept of the one before."""
    first = max((int(row["value"]) for row in rows[:1]), default=0)
    steps: list[Step] = []
    for row in rows:
        value = int(row["value"])
        before = steps[-1].value if steps else None
        steps.append(
            Step(
                label=str(row["label"]),
                value=value,
                percent=round(value / first * 100, 1) if first else 0.0,
                kept_percent=(
                    round(value / before * 100) if before else (0 if steps else None)
                ),
            )
        )
    return steps


@dataclass(frozen=True)
class Interval:
    """A share with the span it likely lies in; places are percent of the axis."""

    label: str
    percent: float
    low: float
    high: float
    at: float
    start: float
    width: float


@dataclass(frozen=True)
class Intervals:
    top: int
    rows: tuple[Interval, ...]


def intervals(rows: Sequence[dict[str, Any]]) -> Intervals | None:
    """Lay shares with their spans on one axis from 0 to the next ten above the highest.

    Rows are `{"label", "percent", "low", "high"}`.
    """
    if not rows:
        return None
    highest = max(float(row["high"]) for row in rows)
    top = min(100, max(10, -(-int(highest + 0.999) // 10) * 10))
    drawn = []
    for row in rows:
        low, high = float(row["low"]), float(row["high"])
        drawn.append(
            Interval(
                label=str(row["label"]),
                percent=float(row["percent"]),
                low=low,
                high=high,
                at=round(float(row["percent"]) / top * 100, 2),
                start=round(low / top * 100, 2),
                width=round(max(0.5, (high - low) / top * 100), 2),
            )
        )
    return Intervals(top, tuple(drawn))
