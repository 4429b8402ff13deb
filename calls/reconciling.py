"""What calls add to the check of the books: seconds and costs are those of the ledger."""

from __future__ import annotations

from typing import Final

from billing.reconciliation import add_check

CHECKS: Final = {
    "seconds of a call are not those of its entry": """
        select c.id::text, c.billed_seconds, (e.details->>'seconds')::int
        from calls_call c join billing_ledgerentry e
          on e.source_id = c.id and e.source = 'call' and e.kind = 'settle'
        where c.settled_at is not null
          and c.billed_seconds <> (e.details->>'seconds')::int""",
    "cost of a call is not what its wallet paid": """
        select c.id::text, c.cost_microcredits, h.settled_microcredits
        from calls_call c join billing_hold h
          on h.source_id = c.id and h.source = 'call'
          and h.organization_id = c.organization_id
        where c.settled_at is not null and c.cost_microcredits <> h.settled_microcredits
        """,
    "cost of a call is not what the pool paid": """
        select c.id::text, c.pool_cost_microcredits, h.settled_microcredits
        from calls_call c join billing_hold h
          on h.source_id = c.id and h.source = 'call' and h.organization_id = c.agency_id
        where c.settled_at is not null
          and c.pool_cost_microcredits <> h.settled_microcredits""",
    "a call that is over still holds credits": """
        select c.id::text, 0, h.amount_microcredits
        from calls_call c join billing_hold h
          on h.source_id = c.id and h.source = 'call' and h.state = 'active'
        where c.settled_at is not null""",
}


def add_checks() -> None:
    for rule, sql in CHECKS.items():
        add_check(rule, sql)
