"""Whether the books agree with themselves; reads, never edits.

Each check is one statement and so sees one moment: it may run beside live calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

from portal.scope import all_organizations

# Checks of the rooms above, which know what billing does not: see `add_check`.
_MORE: dict[str, str] = {}
# name → statement giving (id of the row, expected, found) of every row that is wrong.
_CHECKS: Final = {
    "entry does not sum to zero within an organization": """
        select entry_id::text, 0, sum(amount_microcredits)::bigint
        from billing_posting group by entry_id, organization_id
        having sum(amount_microcredits) <> 0""",
    "balance is not the sum of its postings": """
        select a.id::text, coalesce(sum(p.amount_microcredits), 0)::bigint,
          a.balance_microcredits
        from billing_account a left join billing_posting p on p.account_id = a.id
        group by a.id
        having coalesce(sum(p.amount_microcredits), 0) <> a.balance_microcredits""",
    "balance is not what the last posting left": """
        select a.id::text, p.balance_after_microcredits, a.balance_microcredits
        from billing_account a cross join lateral (
          select balance_after_microcredits from billing_posting
          where account_id = a.id order by created_at desc, id desc limit 1) p
        where p.balance_after_microcredits <> a.balance_microcredits""",
    "held credits are not those of active holds": """
        select a.id::text, coalesce(sum(h.amount_microcredits), 0)::bigint,
          a.balance_microcredits
        from billing_account a left join billing_hold h
          on h.organization_id = a.organization_id and h.state = 'active'
        where a.kind = 'held' group by a.id
        having coalesce(sum(h.amount_microcredits), 0) <> a.balance_microcredits""",
    "used credits are not those of settled holds": """
        select a.id::text, coalesce(sum(h.settled_microcredits
            - h.settled_model_microcredits), 0)::bigint, a.balance_microcredits
        from billing_account a left join billing_hold h
          on h.organization_id = a.organization_id
        where a.kind = 'usage' group by a.id
        having coalesce(sum(h.settled_microcredits - h.settled_model_microcredits), 0)
          <> a.balance_microcredits""",
    "model costs are not those of settled holds": """
        select a.id::text, coalesce(sum(h.settled_model_microcredits), 0)::bigint,
          a.balance_microcredits
        from billing_account a left join billing_hold h
          on h.organization_id = a.organization_id
        where a.kind = 'models' group by a.id
        having coalesce(sum(h.settled_model_microcredits), 0)
          <> a.balance_microcredits""",
    "balance below its line": """
        select id::text, -credit_line_microcredits - debt_microcredits,
          balance_microcredits from billing_account
        where balance_microcredits < -credit_line_microcredits - debt_microcredits
          and kind not in ('issued', 'returned')""",
    "lots have less left than the wallet": """
        select w.organization_id::text, w.has, coalesce(l.remaining, 0)::bigint
        from (select organization_id, sum(balance_microcredits)::bigint as has
          from billing_account where kind in ('wallet', 'held')
          group by organization_id) w
        left join (select organization_id, sum(remaining_microcredits) as remaining
          from billing_creditlot group by organization_id) l using (organization_id)
        where w.has > coalesce(l.remaining, 0)""",
    "expired credits are not those of the lots": """
        select a.organization_id::text, coalesce(sum(e.microcredits), 0)::bigint,
          a.balance_microcredits
        from billing_account a left join lateral (
          select (details->>'microcredits')::bigint as microcredits
          from billing_ledgerentry
          where organization_id = a.organization_id and kind = 'expiry') e on true
        where a.kind = 'expired' group by a.organization_id, a.balance_microcredits
        having coalesce(sum(e.microcredits), 0) <> a.balance_microcredits""",
    "cash does not sum to zero": """
        select entry_id::text, 0, sum(amount_cents)::bigint
        from billing_cashposting group by entry_id, currency
        having sum(amount_cents) <> 0""",
    "paid payment without its credits": """
        select p.id::text, 1, 0 from billing_payment p
        where p.status = 'paid' and not exists (
          select from billing_ledgerentry e
          where e.idempotency_key = 'payment:' || p.payment_intent_id)""",
    "call held in one wallet only": """
        select source_id::text, case when bool_and(organization_id = agency_id)
          then 1 else 2 end, count(*)
        from billing_hold group by source_id, source
        having bool_or(organization_id <> agency_id) and count(*) <> 2
          or count(distinct state) > 1""",
}


def add_check(rule: str, sql: str) -> None:
    """Add a statement that gives (id, expected, found) of every row that is wrong."""
    _MORE[rule] = sql


@dataclass(frozen=True)
class Drift:
    """One row that is wrong: which rule it breaks, and by how much."""

    rule: str
    row_id: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"{self.rule}: {self.row_id} expected {self.expected}, is {self.found}"


def reconcile() -> list[Drift]:
    """Check every account, entry and hold of every organization; repair nothing."""
    drifts: list[Drift] = []
    with (
        all_organizations("books are checked for everyone at once"),
        connection.cursor() as cursor,
    ):
        for rule, sql in {**_CHECKS, **_MORE}.items():
            cursor.execute(sql)
            drifts += [Drift(rule, *row) for row in cursor.fetchall()]
    return drifts
