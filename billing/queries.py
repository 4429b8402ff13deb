"""The statement: an organization's money as a person reads it.

Wallet and held credits together are what an organization has, so holding is no line
of its own: a call is one line, when it is settled. Every line is one posting on the
accounts where money comes from or goes to (`issued`, `usage`), seen from the other
side, and since an organization's four accounts sum to zero, what those two stand at
after a posting is the balance after it. A call that cost nothing is no line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from billing.ledger import money_scope
from portal.models import Organization

PAGE_SIZE: Final = 50

_ACCOUNTS: Final = {"": ["issued", "usage"], "grant": ["issued"], "call": ["usage"]}

_FROM: Final = """
from billing_posting p
join billing_account a on a.id = p.account_id
join billing_ledgerentry e on e.id = p.entry_id
left join lateral (
  select c.amount_microcredits from billing_posting c
  join billing_account ca on ca.id = c.account_id and ca.kind = 'usage'
  where c.entry_id = e.id and c.organization_id = e.organization_id
) paid on e.organization_id <> p.organization_id
where a.organization_id = %(organization_id)s and a.kind = any(%(kinds)s)
  and (%(since)s::timestamptz is null or p.created_at >= %(since)s)
  and (%(until)s::timestamptz is null or p.created_at < %(until)s)
"""
_LINES: Final = f"""
select p.id, p.created_at, a.kind, -p.amount_microcredits,
  -(p.balance_after_microcredits + coalesce((
    select o.balance_after_microcredits from billing_posting o
    join billing_account oa on oa.id = o.account_id
    where oa.organization_id = p.organization_id and oa.kind in ('issued', 'usage')
      and oa.id <> a.id and o.id < p.id
    order by o.id desc limit 1), 0)),
  e.memo, e.source_id, (e.details->>'seconds')::int,
  case when e.organization_id <> p.organization_id then (
    select name from portal_organization where id = e.organization_id) else '' end,
  paid.amount_microcredits
{_FROM} and (%(before)s::bigint is null or p.id < %(before)s)
order by p.id desc limit %(limit)s
"""  # noqa: S608 - put together from constants
_TOTALS: Final = f"""
select coalesce(sum(greatest(-p.amount_microcredits, 0)), 0),
  coalesce(sum(greatest(p.amount_microcredits, 0)), 0),
  count(*), coalesce(sum(paid.amount_microcredits - p.amount_microcredits), 0)
{_FROM}
"""


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

    On an agency's statement a client's call names the client and what it paid.
    """

    number: int
    at: datetime
    account: str
    amount_microcredits: int
    balance_microcredits: int
    memo: str
    call_id: UUID | None
    seconds: int | None
    client_name: str
    paid_microcredits: int | None

    @property
    def is_call(self) -> bool:
        return self.account == "usage"

    @property
    def margin_microcredits(self) -> int | None:
        if self.paid_microcredits is None:
            return None
        return self.paid_microcredits + self.amount_microcredits


@dataclass(frozen=True)
class Statement:
    """One page of lines, newest first, and the sums over the whole period."""

    lines: list[Line]
    next_before: int | None
    total_in: int
    total_out: int
    count: int
    margin: int


def read_statement(
    organization: Organization,
    *,
    period: Period,
    kind: str = "",
    before: int | None = None,
    limit: int = PAGE_SIZE,
) -> Statement:
    """Return one page; `before` is the number of the last line of the page above."""
    params = _params(organization, period, kind)
    with money_scope(organization), connection.cursor() as cursor:
        cursor.execute(_LINES, params | {"before": before, "limit": limit + 1})
        lines = [Line(*row) for row in cursor.fetchall()]
        cursor.execute(_TOTALS, params)
        total_in, total_out, count, margin = map(int, cursor.fetchone())
    has_more = len(lines) > limit
    lines = lines[:limit]
    following = lines[-1].number if has_more else None
    return Statement(lines, following, total_in, total_out, count, margin)


def every_line(
    organization: Organization, *, period: Period, kind: str = "", limit: int = 1000
) -> Iterator[Line]:
    """Give all lines, newest first, `limit` at a time."""
    params = _params(organization, period, kind)
    before: int | None = None
    while True:
        with money_scope(organization), connection.cursor() as cursor:
            cursor.execute(_LINES, params | {"before": before, "limit": limit})
            lines = [Line(*row) for row in cursor.fetchall()]
        yield from lines
        if len(lines) < limit:
            return
        before = lines[-1].number


def _params(organization: Organization, period: Period, kind: str) -> dict[str, Any]:
    since, until = period.bounds(organization.time_zone)
    return {
        "organization_id": organization.pk,
        "kinds": _ACCOUNTS[kind],
        "since": since,
        "until": until,
    }
