"""What the overview and the agency's cockpit show: read models over every app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.http import Http404
from django.utils import timezone
from django.utils.formats import date_format

from billing.ledger import Balance, wallet_balances
from calls.models import Call
from portal.models import Organization
from portal.scope import agency_scope

WINDOW_DAYS = 14


@dataclass(frozen=True)
class Usage:
    """Calls of a period: how many, how long, at what price, and what the agency keeps."""

    call_count: int
    minutes: int
    cost_microcredits: int
    margin_microcredits: int


@dataclass(frozen=True)
class ClientRow:
    """One client as the agency sees it."""

    organization: Organization
    balance: Balance
    usage: Usage
    last_call_at: Any


def _totals(period: Q) -> dict[str, Any]:
    return {
        "call_count": Count("pk", filter=period),
        "seconds": Sum("billed_seconds", default=0, filter=period),
        "cost": Sum("cost_microcredits", default=0, filter=period),
        "pool_cost": Sum("pool_cost_microcredits", default=0, filter=period),
    }


_NOTHING: dict[str, Any] = {
    "call_count": 0,
    "seconds": 0,
    "cost": 0,
    "pool_cost": 0,
    "last_call_at": None,
}


def _last(days: int) -> Q:
    return Q(created_at__gte=timezone.now() - timedelta(days=days))


def _usage(row: dict[str, Any]) -> Usage:
    return Usage(
        call_count=row["call_count"],
        minutes=-(-row["seconds"] // 60),
        cost_microcredits=row["cost"],
        margin_microcredits=row["cost"] - row["pool_cost"],
    )


def usage_since(days: int) -> Usage:
    """Return the scope's usage of the last `days` days."""
    return _usage(Call.objects.aggregate(**_totals(_last(days))))


def calls_by_day(time_zone: str) -> list[dict[str, Any]]:
    """Return calls for each of the last days, oldest first, days without calls included."""
    zone = ZoneInfo(time_zone)
    today = timezone.localdate(timezone=zone)
    first = today - timedelta(days=WINDOW_DAYS - 1)
    counts = dict(
        Call.objects.filter(
            created_at__gte=timezone.now() - timedelta(days=WINDOW_DAYS)
        )
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day")
        .annotate(calls=Count("pk"))
        .order_by("day")
        .values_list("day", "calls")
    )
    days = [first + timedelta(days=offset) for offset in range(WINDOW_DAYS)]
    return [
        {"label": date_format(day, "j M"), "value": counts.get(day, 0)} for day in days
    ]


def client_rows(agency: Organization) -> list[ClientRow]:
    """Return every client of an agency with balance and usage; four queries for any number."""
    with agency_scope(agency.pk):
        clients = list(Organization.objects.filter(parent=agency).order_by("name"))
        balances = wallet_balances([client.pk for client in clients])
        rows = {
            row["organization_id"]: dict(row)
            for row in Call.objects.values("organization_id")
            .annotate(**_totals(_last(30)), last_call_at=Max("created_at"))
            .order_by()
        }
    return [
        ClientRow(
            organization=client,
            balance=balances[client.pk],
            usage=_usage(rows.get(client.pk, _NOTHING)),
            last_call_at=rows.get(client.pk, _NOTHING)["last_call_at"],
        )
        for client in clients
    ]


def get_client(agency: Organization, client_id: UUID) -> Organization:
    """Return a client of this agency; anything else is the same 404."""
    with agency_scope(agency.pk):
        client = Organization.objects.filter(pk=client_id, parent=agency).first()
    if client is None:
        raise Http404("No such client.")
    return client
