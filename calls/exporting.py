"""A list of calls as a file, row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Final

from django.http import StreamingHttpResponse
from django.utils import timezone

from calls.models import Call
from common.cells import safe_cell
from common.money import format_credits

MAX_ROWS: Final = 50_000
COLUMNS: Final = (
    "id",
    "created_at",
    "started_at",
    "ended_at",
    "direction",
    "status",
    "end_reason",
    "carrier_code",
    "assistant",
    "from",
    "to",
    "duration_seconds",
    "billed_seconds",
    "credits",
)


class _Echo:
    """Gives back what is written, for a writer that streams."""

    def write(self, text: str) -> str:
        return text


def calls_file(calls: Iterable[Call]) -> StreamingHttpResponse:
    """Answer with calls as CSV; they are read now, within the scope of the request.

    Text that a spreadsheet would take for a formula is made plain.
    """
    rows = [_row(call) for call in calls]
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv")
    name = f"calls-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(rows: list[list[str]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow(row)


def _row(call: Call) -> list[str]:
    times = (call.created_at, call.started_at, call.ended_at)
    values = [
        str(call.pk),
        *(moment.isoformat() if moment else "" for moment in times),
        call.direction,
        call.status,
        call.end_reason,
        call.carrier_code,
        call.assistant.name if call.assistant else "",
        call.caller_number,
        call.callee_number,
        str(round(call.duration_ms / 1000)),
        str(call.billed_seconds),
        format_credits(call.cost_microcredits),
    ]
    return [safe_cell(value) for value in values]
