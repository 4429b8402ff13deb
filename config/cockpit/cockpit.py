"""The agency's cockpit: all clients at a glance, compared, and to take along."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_GET

from billing.ledger import Balance
from common.cells import safe_cell
from common.local_numbers import local_number
from common.money import format_credits, round_credits
from config.cockpit import comparing
from config.cockpit.comparing import Compared, Figures, Period
from config.cockpit.queries import client_rows
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires

_NOTHING = Figures()


@dataclass(frozen=True)
class Row:
    """One client of the table."""

    client: Organization
    now: Figures
    change: int | None
    days: list[int]
    balance: Balance
    last_call_at: Any


@require_GET
@requires(Permission.CLIENTS_READ)
def cockpit(request: MemberRequest) -> HttpResponse:
    """Usage, money and trend of every client, and what needs a hand."""
    agency = request.organization
    period = _period(request)
    now = comparing.figures_by_client(agency, period)
    before = comparing.figures_by_client(agency, period.before)
    days = comparing.days_by_client(agency, period)
    rows = client_figures(agency, now, before, days, period)
    names = {row.client.pk: row.client.name for row in rows}
    context = {
        "period": period,
        "period_tabs": [
            {
                "label": ngettext("%(count)d day", "%(count)d days", count)
                % {"count": count},
                "url": f"{reverse('cockpit')}?days={count}",
                "is_current": count == period.days,
            }
            for count in comparing.PERIODS.values()
        ],
        "figures": _figures(comparing.total(now), comparing.total(before)),
        "days": comparing.calls_by_day(days, period),
        "rows": rows,
        "troubles": [
            {
                "what": trouble.what,
                "name": trouble.name,
                "detail": trouble.detail,
                "client": names.get(trouble.organization_id, "")
                if trouble.organization_id
                else "",
            }
            for trouble in comparing.troubles(agency)
        ],
    }
    return render(request, "cockpit/cockpit.html", context)


@require_GET
@requires(Permission.CLIENTS_READ)
def cockpit_csv(request: MemberRequest) -> HttpResponse:
    """The same table for a spreadsheet; money in whole and part credits."""
    agency = request.organization
    period = _period(request)
    now = comparing.figures_by_client(agency, period)
    before = comparing.figures_by_client(agency, period.before)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="clients.csv"'
    out = csv.writer(response)
    out.writerow(
        [
            "client",
            "status",
            "from",
            "to",
            "calls",
            "minutes",
            "paid",
            "cost",
            "margin",
            "balance",
            "calls_before",
            "paid_before",
        ]
    )
    for row in client_figures(agency, now, before, {}, period):
        then = before.get(row.client.pk, _NOTHING)
        out.writerow(
            [
                safe_cell(row.client.name),
                row.client.status,
                period.first,
                period.last,
                row.now.calls,
                row.now.minutes,
                *(
                    format_credits(amount)
                    for amount in (
                        row.now.paid,
                        row.now.cost,
                        row.now.margin,
                        row.balance.available,
                    )
                ),
                then.calls,
                format_credits(then.paid),
            ]
        )
    return response


def _period(request: MemberRequest) -> Period:
    days = comparing.PERIODS.get(request.GET.get("days", ""), 30)
    return comparing.period_of(days, ZoneInfo(request.organization.time_zone))


def client_figures(
    agency: Organization,
    now: dict[Any, Figures],
    before: dict[Any, Figures],
    days: dict[Any, list[int]],
    period: Period,
) -> list[Row]:
    """Return the table's rows, who paid most first."""
    rows = []
    for one in client_rows(agency):
        client = one.organization
        figures = now.get(client.pk, _NOTHING)
        then = before.get(client.pk, _NOTHING)
        rows.append(
            Row(
                client=client,
                now=figures,
                change=Compared(figures.calls, then.calls).change_percent,
                days=days.get(client.pk, [0] * period.days),
                balance=one.balance,
                last_call_at=one.last_call_at,
            )
        )
    return sorted(rows, key=lambda row: (-row.now.paid, row.client.name))


def _figures(now: Figures, before: Figures) -> list[dict[str, Any]]:
    credits = _("credits")
    return [
        _figure(_("Calls"), now.calls, before.calls, "phone"),
        _figure(_("Minutes"), now.minutes, before.minutes, "clock"),
        _figure(_("Paid by clients"), now.paid, before.paid, "receipt", credits),
        _figure(_("Your cost"), now.cost, before.cost, "wallet", credits),
        _figure(_("Your margin"), now.margin, before.margin, "coins", credits),
    ]


def _figure(
    label: str, now: int, before: int, icon: str, unit: str = ""
) -> dict[str, Any]:
    change = Compared(now, before).change_percent
    return {
        "label": label,
        "value": local_number(round_credits(now)) if unit else now,
        "unit": unit,
        "icon": icon,
        "change": "" if change is None else f"{change:+d} %",
    }
