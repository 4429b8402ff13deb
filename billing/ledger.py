"""The only writer of money: balances, entries and postings.

Every operation is one SQL statement. Its first part, the rule, locks the wallets and
works out what moves; `post` appends the part that writes, the same for all of them:

    rule     fact(…)                      the entry to make, or no row
             leg(account_id, amount)      what it moves
    writer   entry → changed → posted     entry, then balances, then postings

The entry's unique idempotency key comes first and everything else hangs on it: when the
key exists, nothing moves. A statement is a transaction of its own, or a part of the
caller's.

Locks: an organization's wallet row stands for all four of its accounts. Whoever moves
money locks the call's holds, then the wallet of the organization, then the pool of its
agency. The pool comes last so that a busy client never waits while it keeps the pool
from others. A caller that moves the money of several clients in one transaction of its
own gives up this order, and with it the promise that nothing deadlocks.

A row read under a lock is the newest one; every other read sees the database as it was
when the statement began, so decisions are made on locked rows only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.types.json import Jsonb

from billing.errors import IdempotencyConflict
from billing.models import Account, LedgerEntry
from common.ids import uuid7
from portal.models import ForeignRow, Organization, User
from portal.scope import Scope, agency_scope, require_scope

MAX_KEY_LENGTH: Final = 64
_PREPARE_AFTER: Final = 3

_WRITER: Final = """
entry as (
  insert into billing_ledgerentry (id, kind, idempotency_key, organization_id,
    agency_id, source, source_id, memo, details, actor_id, created_at)
  select %(entry_id)s, kind, key, organization_id, agency_id,
    source, source_id, memo, details, actor_id, clock_timestamp()
  from fact
  on conflict (idempotency_key) do nothing
  returning id, created_at
), changed as (
  update billing_account a
  set balance_microcredits = a.balance_microcredits + leg.amount
  from leg cross join entry
  where a.id = leg.account_id and leg.amount <> 0
  returning a.id, a.organization_id, a.agency_id, a.balance_microcredits, leg.amount
), posted as (
  insert into billing_posting (organization_id, agency_id, entry_id, account_id,
    amount_microcredits, balance_after_microcredits, created_at)
  select organization_id, agency_id, entry.id, changed.id, amount, balance_microcredits,
    entry.created_at
  from changed cross join entry
)
"""

_GRANT: Final = """
wallet as (
  select id, organization_id, agency_id from billing_account
  where organization_id = %(organization_id)s and kind = 'wallet'
  for no key update
), fact as (
  select 'grant' as kind, %(key)s as key, organization_id, agency_id, 'grant' as source,
    null::uuid as source_id, %(memo)s as memo, %(details)s::jsonb as details,
    %(actor_id)s::uuid as actor_id
  from wallet
), leg as (
  select id as account_id, %(amount)s::bigint as amount from wallet
  union all
  select issued.id, -%(amount)s::bigint
  from wallet join billing_account issued
    on issued.organization_id = wallet.organization_id and issued.kind = 'issued'
)
"""


@dataclass(frozen=True)
class Balance:
    """What an organization has, in microcredits; both parts are its own money."""

    available: int
    held: int


@contextmanager
def money_scope(organization: Organization) -> Iterator[Scope]:
    """Widen the scope to the organization's agency, whose pool a client's call touches.

    Raises `ForeignRow` unless the active scope covers the organization.
    """
    scope = require_scope()
    covers = scope.is_everything or (
        scope.agency_id == organization.agency_id
        and scope.organization_id in (None, organization.pk)
    )
    if not covers:
        raise ForeignRow("This organization's money is outside the active scope.")
    with agency_scope(organization.agency_id) as wider:
        yield wider


def post(
    rule: str, result: str, params: Mapping[str, Any], *, also: str = ""
) -> tuple[Any, ...]:
    """Run one rule with the writer behind it; return the one row of `result`.

    `also` holds further parts that write beside the entry, such as holds. The statement
    stays prepared on its connection, because planning it takes twice as long as running
    it. Django switches that off for the sake of poolers that share a connection in the
    middle of a session, which the scope's settings rule out anyway.
    """
    extra = f", {also}" if also else ""
    sql = f"with {rule}, {_WRITER}{extra} {result}"
    with connection.cursor():  # connects, and tells the database the active scope
        connection.validate_no_broken_transaction()
        connection.connection.prepare_threshold = _PREPARE_AFTER
        with (
            connection.wrap_database_errors,
            psycopg.Cursor(connection.connection) as cursor,
        ):
            row = cursor.execute(sql, {**params, "entry_id": uuid7()}).fetchone()
    assert row is not None
    return row


def open_accounts(organization: Organization) -> None:
    """Give an organization its four accounts; those it has stay as they are."""
    with money_scope(organization):
        Account.objects.bulk_create(
            [
                Account(
                    organization=organization,
                    agency_id=organization.agency_id,
                    kind=kind,
                )
                for kind in Account.Kind
            ],
            ignore_conflicts=True,
        )


def grant_credits(
    *,
    organization: Organization,
    amount_microcredits: int,
    idempotency_key: str,
    memo: str = "",
    actor: User | None,
) -> LedgerEntry:
    """Issue credits into a wallet, once for each key of the organization.

    The same key again returns the first entry and changes nothing; with another amount
    it raises `IdempotencyConflict`.
    """
    if amount_microcredits <= 0:
        raise ValueError("A grant is more than nothing.")
    if not 0 < len(idempotency_key) <= MAX_KEY_LENGTH:
        raise ValueError(f"An idempotency key has 1 to {MAX_KEY_LENGTH} characters.")
    key = f"grant:{organization.pk}:{idempotency_key}"
    params = {
        "organization_id": organization.pk,
        "key": key,
        "amount": amount_microcredits,
        "memo": memo,
        "details": Jsonb({"amount_microcredits": amount_microcredits}),
        "actor_id": actor.pk if actor else None,
    }
    result = "select (select count(*) from wallet), (select count(*) from entry)"
    with money_scope(organization):
        wallets, _ = post(_GRANT, result, params)
        if not wallets:
            open_accounts(organization)
            post(_GRANT, result, params)
        entry = LedgerEntry.objects.get(idempotency_key=key)
    if entry.details["amount_microcredits"] != amount_microcredits:
        raise IdempotencyConflict(
            f"The key {idempotency_key!r} granted another amount."
        )
    return entry


def wallet_balance(organization: Organization) -> Balance:
    """Return what an organization can spend and what its live calls have put aside."""
    with money_scope(organization):
        found = dict(
            Account.objects.filter(
                organization=organization,
                kind__in=[Account.Kind.WALLET, Account.Kind.HELD],
            ).values_list("kind", "balance_microcredits")
        )
    return Balance(
        available=found.get(Account.Kind.WALLET, 0),
        held=found.get(Account.Kind.HELD, 0),
    )


def wallet_balances(organization_ids: list[UUID]) -> dict[UUID, Balance]:
    """Return the balances of several organizations of the active scope at once."""
    found: dict[UUID, dict[str, int]] = {pk: {} for pk in organization_ids}
    rows = Account.objects.filter(
        organization__in=organization_ids,
        kind__in=[Account.Kind.WALLET, Account.Kind.HELD],
    ).values_list("organization_id", "kind", "balance_microcredits")
    for organization_id, kind, microcredits in rows:
        found[organization_id][kind] = microcredits
    return {
        pk: Balance(kinds.get(Account.Kind.WALLET, 0), kinds.get(Account.Kind.HELD, 0))
        for pk, kinds in found.items()
    }
