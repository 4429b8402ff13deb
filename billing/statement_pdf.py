"""A month of an organization's money on paper."""

from __future__ import annotations

from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.paper import Paper
from billing.queries import Line, Period, every_line, read_statement
from common.local_numbers import local_credits
from portal.languages import paper_language
from portal.models import Organization, Portal

MOST_LINES: Final = 3_000


def statement_pdf(
    organization: Organization, portal: Portal | None, period: Period
) -> bytes:
    """Return a month as PDF: what there was, each line, what was left.

    Beyond three thousand lines it says so; the CSV has all of them.
    """
    with translation.override(paper_language(portal)):
        return _drawn(organization, portal, period)


def _drawn(organization: Organization, portal: Portal | None, period: Period) -> bytes:
    assert period.first_day is not None
    zone = ZoneInfo(organization.time_zone)
    month = date_format(period.first_day, "F Y")
    paper = Paper(portal, _("Statement of %(month)s") % {"month": month})
    paper.text(organization.name, size=10, font="Strong", after=1)
    until = Period(None, period.last_day)
    sums = read_statement(organization, period=period, limit=1)
    after = read_statement(organization, period=until, limit=1)
    closing = after.total_in - after.total_out
    opening = closing - sums.total_in + sums.total_out
    paper.table(
        [
            [_("Balance before"), _("Came in"), _("Went out"), _("Balance after")],
            [
                local_credits(amount)
                for amount in (opening, sums.total_in, -sums.total_out, closing)
            ],
        ],
        [43, 43, 43, 43],
        numeric=(0, 1, 2, 3),
        totals=1,
    )
    lines = list(islice(every_line(organization, period=period), MOST_LINES + 1))
    rows = [[_("When"), _("What"), _("Length"), _("Credits"), _("Balance")]]
    rows += [_row(line, zone) for line in lines[:MOST_LINES]]
    paper.table(rows, [34, 72, 18, 24, 26], numeric=(2, 3, 4))
    if len(lines) > MOST_LINES:
        paper.text(_("The CSV has the lines that did not fit here."), muted=True)
    return paper.bytes()


def _row(line: Line, zone: ZoneInfo) -> list[str]:
    what = line.what
    if line.client_name or line.memo:
        what += f" · {line.client_name or line.memo}"
    return [
        date_format(line.at.astimezone(zone), "SHORT_DATETIME_FORMAT"),
        what[:60],
        "" if line.seconds is None else f"{line.seconds} s",
        local_credits(line.amount_microcredits),
        local_credits(line.balance_microcredits),
    ]
