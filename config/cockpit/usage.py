"""What calls used and earned: by day, assistant, number, campaign and client."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDate
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET

from billing.queries import Period, month_period
from billing.views.tabs import credit_tabs
from calls.models import Call
from campaigns.models import Campaign
from common.cells import safe_cell
from common.local_numbers import local_number
from common.money import format_credits
from config.cockpit.plan import plan_of
from portal.http import MemberRequest
from portal.models import Organization
from portal.permissions import Permission, requires
from portal.scope import agency_scope

GROUPS: Final[dict[str, str | Promise]] = {
    "day": gettext_lazy("Day"),
    "assistant": gettext_lazy("Assistant"),
    "number": gettext_lazy("Number"),
    "campaign": gettext_lazy("Campaign"),
    "client": gettext_lazy("Client"),
}


@dataclass(frozen=True)
class UsageRow:
    """One group of calls. `earned` is what clients paid beyond what the pool did."""

    label: str
    calls: int
    seconds: int
    microcredits: int
    earned: int

    @property
    def minutes(self) -> str:
        return local_number(f"{self.seconds / 60:.1f}")


@require_GET
@requires(Permission.BILLING_READ)
def usage(request: MemberRequest) -> HttpResponse:
    """A month of usage, drawn by day and listed by what was chosen; also as CSV."""
    organization = request.organization
    period = month_period(request.GET.get("month", ""), timezone.localdate())
    groups = dict(GROUPS)
    if not organization.is_agency:
        del groups["client"]
    by = request.GET.get("by", "day")
    by = by if by in groups else "day"
    with _whose(organization):
        rows = usage_rows(organization, period, by)
        days = rows if by == "day" else usage_rows(organization, period, "day")
    if request.GET.get("format") == "csv":
        return _as_csv(organization, rows, str(groups[by]), period)
    first = period.first_day
    assert first is not None
    total = UsageRow(
        "",
        sum(row.calls for row in rows),
        sum(row.seconds for row in rows),
        sum(row.microcredits for row in rows),
        sum(row.earned for row in rows),
    )
    context = {
        "tabs": credit_tabs(request, "usage"),
        "rows": rows,
        "total": total,
        "bars": _bars(days, period),
        "by": by,
        "group_label": groups[by],
        "groups": [
            {
                "label": label,
                "url": f"?month={first:%Y-%m}&by={name}",
                "is_current": name == by,
            }
            for name, label in groups.items()
        ],
        "month": f"{first:%Y-%m}",
        "month_name": date_format(first, "F Y"),
        "before": f"{first - timedelta(days=1):%Y-%m}",
        "after": f"{first + timedelta(days=32):%Y-%m}",
        "is_agency": organization.is_agency,
        "plan": plan_of(organization),
    }
    return render(request, "cockpit/usage.html", context)


@contextmanager
def _whose(organization: Organization) -> Iterator[None]:
    """An agency looks at its clients' calls as well: they take from its pool."""
    if not organization.is_agency:
        yield
        return
    with agency_scope(organization.pk):
        yield


def usage_rows(organization: Organization, period: Period, by: str) -> list[UsageRow]:
    """Return a period's settled calls in groups; days in order, others by cost."""
    since, until = period.bounds(organization.time_zone)
    calls = Call.objects.filter(
        agency=organization.agency_id,
        created_at__gte=since,
        created_at__lt=until,
        settled_at__isnull=False,
    )
    cost = "pool_cost_microcredits" if organization.is_agency else "cost_microcredits"
    found = (
        _grouped(calls, by, organization.time_zone)
        .values("group")
        .annotate(
            calls=Count("pk"),
            seconds=Sum("billed_seconds"),
            microcredits=Sum(cost),
            earned=Sum(F("cost_microcredits") - F("pool_cost_microcredits")),
        )
        .order_by("group" if by == "day" else "-microcredits")
    )
    values = list(found)
    names = _names(by, [row["group"] for row in values])
    return [
        UsageRow(
            names.get(str(row["group"]), _("None")),
            row["calls"],
            row["seconds"] or 0,
            row["microcredits"] or 0,
            row["earned"] or 0,
        )
        for row in values
    ]


def _grouped(calls: QuerySet[Call], by: str, time_zone: str) -> Any:
    calls = calls.order_by()
    if by == "day":
        return calls.annotate(group=TruncDate("created_at", tzinfo=ZoneInfo(time_zone)))
    if by == "campaign":
        return calls.annotate(group=KeyTextTransform("campaign_id", "metadata"))
    column = {
        "assistant": "assistant__name",
        "number": "number__number",
        "client": "organization__name",
    }[by]
    return calls.annotate(group=F(column))


def _names(by: str, groups: list[Any]) -> dict[str, str]:
    if by == "day":
        return {str(day): date_format(day, "j M") for day in groups}
    if by == "campaign":
        ids = []
        for text in groups:
            try:
                ids.append(UUID(str(text)))
            except ValueError:
                continue
        found = Campaign.objects.filter(pk__in=ids)
        return {str(pk): name for pk, name in found.values_list("pk", "name")}
    return {str(name): str(name) for name in groups if name}


def _bars(days: list[UsageRow], period: Period) -> list[dict[str, Any]]:
    """Return a bar for each day of the month that has come, in minutes."""
    assert period.first_day is not None
    assert period.last_day is not None
    by_label = {row.label: row for row in days}
    last = min(period.last_day, timezone.localdate())
    bars = []
    day = period.first_day
    while day <= last:
        row = by_label.get(date_format(day, "j M"))
        minutes = round(row.seconds / 60, 1) if row else 0
        bars.append({"label": day.day, "value": minutes})
        day += timedelta(days=1)
    return bars


def _as_csv(
    organization: Organization, rows: list[UsageRow], label: str, period: Period
) -> HttpResponse:
    text = io.StringIO()
    out = csv.writer(text)
    heading = [label, "calls", "seconds", "credits"]
    out.writerow([*heading, "margin"] if organization.is_agency else heading)
    for row in rows:
        line = [
            safe_cell(row.label),
            row.calls,
            row.seconds,
            format_credits(row.microcredits),
        ]
        if organization.is_agency:
            line.append(format_credits(row.earned))
        out.writerow(line)
    name = f"usage-{period.first_day:%Y-%m}.csv"
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
