"""A campaign as a table for people: each lead with its outcome, its cost, its variables,
and what the analysis of its last call found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter
from django.db.models import OuterRef, Subquery, Sum
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.text import slugify

from calls.models import Call, CallAnalysis
from campaigns.models import Attempt, Campaign, Lead
from common.cells import safe_cell
from common.money import format_credits
from portal.scope import require_scope, scoped

FIXED: Final = (
    "phone_number",
    "name",
    "status",
    "reason",
    "last_outcome",
    "disposition",
    "attempts",
    "last_attempt_at",
    "call_id",
    "duration_s",
    "cost_credits",
    "assistant",
)
# What a workbook adds up and sorts: numbers, and a moment of the campaign's zone.
_NUMBERS: Final = frozenset(
    FIXED.index(name) for name in ("attempts", "duration_s", "cost_credits")
)
_MOMENT: Final = FIXED.index("last_attempt_at")
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANALYSIS: Final = "analysis."
_CHUNK: Final = 2_000
_SAMPLE: Final = 200


@dataclass(frozen=True)
class Columns:
    """The columns behind the fixed ones: the list's own, and what analyses found."""

    own: tuple[str, ...] = ()
    found: tuple[str, ...] = ()

    @property
    def headings(self) -> list[str]:
        return [*FIXED, *self.own, *(f"{ANALYSIS}{name}" for name in self.found)]


def columns_of(campaign: Campaign) -> Columns:
    """Return the columns of a report, by a sample of its leads and of its calls."""
    leads = Lead.objects.filter(campaign=campaign).values_list("variables", flat=True)
    called = Attempt.objects.filter(lead__campaign=campaign).values("call_id")
    found = CallAnalysis.objects.filter(call__in=called).exclude(data_json="")
    return Columns(_names(leads[:_SAMPLE]), _names(one.data for one in found[:_SAMPLE]))


def _names(rows: Iterable[Any]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row if isinstance(row, dict) else ())
    return tuple(names)


def rows_of(campaign: Campaign, columns: Columns) -> Iterator[list[str]]:
    """Yield a row for each lead, in the order they were added; memory stays flat."""
    last = Attempt.objects.filter(
        lead=OuterRef("pk"), dialed_at__isnull=False
    ).order_by("-number")
    cost = (
        Attempt.objects.filter(lead=OuterRef("pk"))
        .order_by()
        .values("lead")
        .annotate(total=Sum("cost_microcredits"))
        .values("total")
    )
    leads = (
        Lead.objects.filter(campaign=campaign)
        .annotate(
            last_call_id=Subquery(last.values("call_id")[:1]), cost=Subquery(cost)
        )
        .order_by("created_at", "pk")
    )
    zone = ZoneInfo(campaign.time_zone or campaign.organization.time_zone)
    batch: list[Any] = []
    for lead in leads.iterator(chunk_size=_CHUNK):
        batch.append(lead)
        if len(batch) == _CHUNK:
            yield from _rows(campaign, batch, columns, zone)
            batch = []
    yield from _rows(campaign, batch, columns, zone)


def _rows(
    campaign: Campaign, leads: list[Any], columns: Columns, zone: ZoneInfo
) -> Iterator[list[str]]:
    ids = [lead.last_call_id for lead in leads if lead.last_call_id]
    durations = dict(Call.objects.filter(pk__in=ids).values_list("pk", "duration_ms"))
    # Whole rows: what a sealed one says is read through its row.
    known = CallAnalysis.objects.filter(call__in=ids) if columns.found else ()
    analyses = {one.call_id: one.data for one in known}
    other = campaign.variant_assistant
    for lead in leads:
        duration_ms = durations.get(lead.last_call_id)
        assistant = other if lead.is_variant and other else campaign.assistant
        fixed = [
            lead.phone_number,
            lead.name,
            lead.state,
            lead.skip_reason,
            lead.last_outcome,
            lead.disposition,
            str(lead.attempt_count),
            _local(lead.last_attempt_at, zone),
            str(lead.last_call_id or ""),
            "" if duration_ms is None else f"{duration_ms / 1000:.1f}",
            format_credits(lead.cost or 0),
            # Which of two calls somebody is decided at their first call.
            assistant.name if lead.attempt_count or other is None else "",
        ]
        own = [str(lead.variables.get(name, "")) for name in columns.own]
        data = analyses.get(lead.last_call_id) or {}
        found = [shown(data.get(name)) for name in columns.found]
        yield [safe_cell(cell) for cell in (*fixed, *own, *found)]


def shown(value: Any) -> str:
    """Return what an analysis found as a cell: words as they are, else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""


def report_file(campaign: Campaign, kind: str) -> HttpResponseBase:
    """Answer with a report as `csv`, streamed, or as `xlsx`."""
    answer: HttpResponse | StreamingHttpResponse
    if kind == "xlsx":
        answer = HttpResponse(xlsx_file(campaign), content_type=XLSX)
    else:
        scope = require_scope()

        def lines() -> Iterator[str]:
            with scoped(scope):  # a streamed answer outlives its request
                yield from csv_lines(campaign)

        answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    name = slugify(campaign.name) or "campaign"
    answer["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer


def csv_lines(campaign: Campaign) -> Iterator[str]:
    """Yield a report as CSV, line by line."""
    columns = columns_of(campaign)
    yield "\ufeff" + _line([safe_cell(name) for name in columns.headings])
    for row in rows_of(campaign, columns):
        yield _line(row)


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def xlsx_file(campaign: Campaign) -> bytes:
    """Return a report as an Excel file; its rows are written as they come."""
    target = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet = book.add_worksheet("Leads")
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        columns = columns_of(campaign)
        sheet.write_row(0, 0, columns.headings, bold)
        sheet.freeze_panes(1, 0)
        for index, row in enumerate(rows_of(campaign, columns), start=1):
            for column, cell in enumerate(row):
                if cell and column in _NUMBERS:
                    sheet.write_number(index, column, float(cell))
                elif cell and column == _MOMENT:
                    at = datetime.fromisoformat(cell)
                    sheet.write_datetime(index, column, at, moment)
                else:  # a telephone number too: as a number it would lose its plus
                    sheet.write_string(index, column, cell)
    return target.getvalue()
