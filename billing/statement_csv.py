"""The lines of a statement as CSV, for a spreadsheet or a bookkeeper's program."""

from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

from billing.queries import Line, Period, every_line
from common.cells import safe_cell
from common.money import format_credits
from portal.models import Organization

_COLUMNS = (
    *("time", "what", "call", "seconds", "credits_a_minute", "credits"),
    *("balance", "note"),
)
_OF_AGENCIES = ("client", "client_paid", "margin")


def statement_csv(organization: Organization, *, period: Period, kind: str = "") -> str:
    """Return every line of a period; credits with all their decimals, times at home."""
    zone = ZoneInfo(organization.time_zone)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([*_COLUMNS, *(_OF_AGENCIES if organization.is_agency else ())])
    for line in every_line(organization, period=period, kind=kind):
        row = _row(line, zone)
        if organization.is_agency:
            row += [
                safe_cell(line.client_name),
                _credits(line.paid_microcredits),
                _credits(line.margin_microcredits),
            ]
        rows.writerow(row)
    return text.getvalue()


def _row(line: Line, zone: ZoneInfo) -> list[object]:
    return [
        line.at.astimezone(zone).isoformat(),
        line.what,
        line.call_id or "",
        "" if line.seconds is None else line.seconds,
        _price(line),
        format_credits(line.amount_microcredits),
        format_credits(line.balance_microcredits),
        safe_cell(line.memo),
    ]


def _price(line: Line) -> str:
    """Return the price of a minute that a line was computed from."""
    if line.seconds is None or line.client_name:
        return ""
    return format_credits(line.details.get("microcredits_per_minute", 0))


def _credits(microcredits: int | None) -> str:
    return "" if microcredits is None else format_credits(microcredits)
