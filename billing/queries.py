"""The statement: an organization's money as a person reads it.

Wallet and held credits together are what an organization has, so holding is no line
of its own: a call is one line, when it is settled. Every line is one posting on the
accounts where money comes from or goes to (`issued`, `usage`, `models` …), seen from
the other side, and since an organization's accounts sum to zero, what those stand at
after a posting is the balance after it. A call that cost nothing is no line.

Nothing here counts or sums lines: a page costs the same in books of a thousand entries
and of a million.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext

from billing.ledger import money_scope
from billing.models import Account, LedgerEntry
from portal.models import Organization

PAGE_SIZE: Final = 50

_COUNTER: Final = ["issued", "usage", "models", "expired", "returned", "sent"]
_ACCOUNTS: Final = {
    "": _COUNTER,
    "grant": ["issued"],
    "call": ["usage", "models"],
    "other": ["expired", "returned", "sent"],
}

# Each account's own newest lines by its index, then the newest of those: however long
# the books are, a page reads a page.
_LINES: Final = """
with counter as (
  select id, kind from billing_account
  where organization_id = %(organization_id)s
    and kind in ('issued', 'usage', 'models', 'expired', 'returned', 'sent')
), line as (
  select found.*, counter.kind from counter
  cross join lateral (
    select p.id, p.entry_id, p.created_at, p.organization_id, p.amount_microcredits
    from billing_posting p
    where p.account_id = counter.id {bounds}
    order by p.created_at desc, p.id desc limit %(limit)s
  ) found
  where counter.kind = any(%(kinds)s)
  order by found.created_at desc, found.id desc limit %(limit)s
)
select line.id, line.created_at, line.kind, -line.amount_microcredits,
  -(select coalesce(sum(last.balance_after_microcredits), 0) from counter
    cross join lateral (
      select o.balance_after_microcredits from billing_posting o
      where o.account_id = counter.id
        and (o.created_at, o.id) <= (line.created_at, line.id)
      order by o.created_at desc, o.id desc limit 1) last),
  e.kind, e.memo, e.source_id, e.details,
  case when e.organization_id <> line.organization_id then (
    select name from portal_organization where id = e.organization_id) else '' end,
  paid.by_client, paid.by_pool
from line join billing_ledgerentry e on e.id = line.entry_id
left join lateral (
  select
    coalesce(sum(c.amount_microcredits) filter (
      where c.organization_id = e.organization_id), 0)::bigint as by_client,
    coalesce(sum(c.amount_microcredits) filter (
      where c.organization_id <> e.organization_id), 0)::bigint as by_pool
  from billing_posting c
  join billing_account ca on ca.id = c.account_id and ca.kind in ('usage', 'models')
  where c.entry_id = e.id
) paid on e.organization_id <> line.organization_id and line.kind = 'usage'
order by line.created_at desc, line.id desc
"""
# What an account stood at before a moment; between two of them is what moved.
_STOOD: Final = """
select a.kind, coalesce((
    select p.balance_after_microcredits from billing_posting p
    where p.account_id = a.id and p.created_at < %(moment)s
    order by p.created_at desc, p.id desc limit 1), 0)
from billing_account a
where a.organization_id = %(organization_id)s and a.kind = any(%(kinds)s)
"""
_SINCE: Final = " and p.created_at >= %(since)s"
_UNTIL: Final = " and p.created_at < %(until)s"
_BEFORE: Final = """ and (p.created_at, p.id) < (
  (select b.created_at from billing_posting b where b.id = %(before)s), %(before)s)"""


@dataclass(frozen=True)
class Period:
    """Whole days, both included, in the organization's time zone; empty is open."""

    first_day: date | None = None
    last_day: date | None = None

    def bounds(self, time_zone: str) -> tuple[datetime | None, datetime | None]:
        zone = ZoneInfo(time_zone)
        first, last = self.first_day, self.last_day
        return (
            datetime.combine(first, time.min, zone) if first else None,
            datetime.combine(last + timedelta(days=1), time.min, zone)
            if last
            else None,
        )


@dataclass(frozen=True)
class Line:
    """One line: positive amounts came in. `balance` is what there was after it.

    On an agency's statement a client's call names the client and what was earned.
    """

    number: int
    at: datetime
    account: str
    amount_microcredits: int
    balance_microcredits: int
    kind: str
    memo: str
    source_id: UUID | None
    details: dict[str, Any]
    client_name: str
    paid_microcredits: int | None
    pool_microcredits: int | None

    @property
    def margin_microcredits(self) -> int | None:
        if self.paid_microcredits is None or self.pool_microcredits is None:
            return None
        return self.paid_microcredits - self.pool_microcredits

    @property
    def is_call(self) -> bool:
        return self.account in ("usage", "models")

    @property
    def is_models(self) -> bool:
        return self.account == "models"

    @property
    def call_id(self) -> UUID | None:
        return self.source_id if self.is_call else None

    @property
    def payment_id(self) -> UUID | None:
        is_own = self.kind in ("purchase", "refund", "dispute", "reinstate")
        return self.source_id if is_own else None

    @property
    def seconds(self) -> int | None:
        return self.details.get("seconds") if self.account == "usage" else None

    @property
    def what(self) -> str:
        """Name the line, as the statement shows it."""
        if self.is_models:
            return gettext("Models of the call")
        if self.account == "sent":
            return gettext("Moved to a client")
        return str(LedgerEntry.Kind(self.kind).label)


@dataclass(frozen=True)
class Statement:
    """One page of lines, newest first, and the sums over the whole period."""

    lines: list[Line]
    next_before: int | None
    total_in: int
    total_out: int


def read_statement(
    organization: Organization,
    *,
    period: Period,
    kind: str = "",
    before: int | None = None,
    limit: int = PAGE_SIZE,
) -> Statement:
    """Return one page; `before` is the number of the last line of the page above."""
    with money_scope(organization):
        lines = _lines(organization, period, kind, before, limit + 1)
        total_in, total_out = _totals(organization, period, kind)
    has_more = len(lines) > limit
    lines = lines[:limit]
    following = lines[-1].number if has_more else None
    return Statement(lines, following, total_in, total_out)


def every_line(
    organization: Organization, *, period: Period, kind: str = "", limit: int = 1000
) -> Iterator[Line]:
    """Give all lines, newest first, `limit` at a time."""
    before: int | None = None
    while True:
        with money_scope(organization):
            lines = _lines(organization, period, kind, before, limit)
        yield from lines
        if len(lines) < limit:
            return
        before = lines[-1].number


def _lines(
    organization: Organization,
    period: Period,
    kind: str,
    before: int | None,
    limit: int,
) -> list[Line]:
    since, until = period.bounds(organization.time_zone)
    bounds = (
        (_SINCE if since else "")
        + (_UNTIL if until else "")
        + (_BEFORE if before is not None else "")
    )
    params: dict[str, Any] = {
        "organization_id": organization.pk,
        "kinds": _ACCOUNTS[kind],
        "since": since,
        "until": until,
        "before": before,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LINES.format(bounds=bounds), params)
        return [_line(row) for row in cursor.fetchall()]


def _line(row: tuple[Any, ...]) -> Line:
    details = row[8]
    if isinstance(details, str):
        details = json.loads(details)
    return Line(
        number=row[0],
        at=row[1],
        account=row[2],
        amount_microcredits=int(row[3]),
        balance_microcredits=int(row[4]),
        kind=row[5],
        memo=row[6],
        source_id=row[7],
        details=details,
        client_name=row[9],
        paid_microcredits=row[10],
        pool_microcredits=row[11],
    )


def _totals(organization: Organization, period: Period, kind: str) -> tuple[int, int]:
    """Return what came in and what went out, each above zero."""
    since, until = period.bounds(organization.time_zone)
    end = _stood(organization, kind, until)
    begin = _stood(organization, kind, since) if since else dict.fromkeys(end, 0)
    moved = [begin[name] - end[name] for name in end]
    return sum(m for m in moved if m > 0), -sum(m for m in moved if m < 0)


def _stood(
    organization: Organization, kind: str, moment: datetime | None
) -> dict[str, int]:
    """Return what the accounts stood at before a moment, or stand at now."""
    kinds = _ACCOUNTS[kind]
    if moment is None:
        return dict(
            Account.objects.filter(
                organization=organization, kind__in=kinds
            ).values_list("kind", "balance_microcredits")
        )
    params: dict[str, Any] = {
        "organization_id": organization.pk,
        "kinds": kinds,
        "moment": moment,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STOOD, params)
        return {name: int(stood) for name, stood in cursor.fetchall()}


def entry_of_call(call_id: UUID, organization_id: UUID) -> LedgerEntry | None:
    """Return the entry that settled a call; none while it goes on or was free."""
    return LedgerEntry.objects.filter(
        source="call",
        source_id=call_id,
        organization=organization_id,
        kind=LedgerEntry.Kind.SETTLE,
    ).first()


def given_by_hand(agency: Organization, limit: int = 50) -> list[LedgerEntry]:
    """Return what people gave, moved or corrected, with reason and approver, newest first."""
    rows = LedgerEntry.objects.filter(
        agency=agency, source__in=["grant", "transfer", "correction"]
    ).select_related("organization", "actor")
    return list(rows.order_by("-created_at")[:limit])


def month_period(text: str, today: date) -> Period:
    """Return a month, such as 2026-03; the one that is going on for anything else."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Period(first, following - timedelta(days=1))
