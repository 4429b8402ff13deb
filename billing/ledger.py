"""The only writer of money: balances, entries and postings.

Every operation is two SQL statements in one transaction, its own or the caller's:

    lock     the wallets it touches
    rule     fact(…)                      the entry to make, or no row
             leg(account_id, amount)      what it moves
    writer   entry → changed → posted     entry, then balances, then postings

Rule and writer are one statement, put together by `post`; the writer is the same for
all of them. The entry's unique idempotency key comes first and everything else hangs on
it: when the key exists, nothing moves.

Locks: an organization's wallet row stands for all of its accounts, holds and lots.
Whoever moves money locks the wallet of the organization, then the pool of its agency.
The pool comes last so that a busy client never waits while it keeps the pool from
others. A caller that moves the money of several clients in one transaction of its own
gives up this order, and with it the promise that nothing deadlocks.

The lock is a statement of its own because a statement sees the database as it was when
it began: one that locks and decides at once decides on rows that others changed while
it waited (tried: it gave credits back twice).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from billing.errors import NotEnoughCredits, WalletOwner
from billing.models import Account, LedgerEntry
from common.ids import uuid7
from portal.models import ForeignRow, Organization, User
from portal.scope import Scope, agency_scope, require_scope

_PREPARE_AFTER: Final = 3

_WRITER: Final = """
entry as (
  insert into billing_ledgerentry (id, kind, idempotency_key, organization_id,
    agency_id, source, source_id, memo, details, actor_id, corrects_id, created_at)
  select %(entry_id)s, kind, key, organization_id, agency_id,
    source, source_id, memo, details, actor_id, %(corrects_id)s::uuid, clock_timestamp()
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

_LOCK_WALLETS: Final = """
select id from billing_account
where organization_id = any(%(owners)s) and kind = 'wallet'
order by organization_id = agency_id
for no key update
"""
# Legs by owner and kind. With `needs`, only when the wallet of the first has so much.
_ENTRY: Final = """
leg as (
  select account.id as account_id, part.amount
  from unnest(%(leg_owners)s::uuid[], %(leg_kinds)s::text[], %(leg_amounts)s::bigint[])
    as part (owner_id, kind, amount)
  join billing_account account
    on account.organization_id = part.owner_id and account.kind = part.kind
), fact as (
  select %(kind)s as kind, %(key)s as key, wallet.organization_id, wallet.agency_id,
    %(source)s as source, %(source_id)s::uuid as source_id, %(memo)s as memo,
    %(details)s::jsonb as details, %(actor_id)s::uuid as actor_id
  from billing_account wallet
  where wallet.organization_id = %(organization_id)s and wallet.kind = 'wallet'
    and (select count(*) from leg) = %(leg_count)s
    and exists (
      select from billing_account payer
      where payer.organization_id = %(payer_id)s and payer.kind = 'wallet'
        and payer.balance_microcredits >= %(needs)s)
)
"""


@dataclass(frozen=True)
class Leg:
    """What an entry does to one account of an organization."""

    organization: Organization
    kind: Account.Kind
    microcredits: int


@dataclass(frozen=True)
class Fact:
    """What an entry says, and the key that makes it happen once.

    `details` hold the figures it was computed from. Its organization may read it.
    """

    organization: Organization
    kind: LedgerEntry.Kind
    key: str
    source: str
    source_id: UUID | None = None
    memo: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    actor: User | None = None
    corrects: LedgerEntry | None = None


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
    lock: str,
    rule: str,
    result: str,
    params: Mapping[str, Any],
    *,
    wallets: int | None = None,
    also: str = "",
) -> tuple[Any, ...] | None:
    """Lock, then run a rule with the writer behind it; return the one row of `result`.

    Returns None, and writes nothing, when the lock found no wallet, or other than
    `wallets`. `also` holds further parts that write beside the entry, such as holds.
    """
    extra = f", {also}" if also else ""
    sql = f"with {rule}, {_WRITER}{extra} {result}"
    with transaction.atomic(savepoint=False), _prepared_cursor() as cursor:
        locked = cursor.execute(lock, params).rowcount
        if not locked or wallets not in (None, locked):
            return None
        row = cursor.execute(
            sql, {"corrects_id": None, **params, "entry_id": uuid7()}
        ).fetchone()
    assert row is not None
    return row


@contextmanager
def _prepared_cursor() -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Give a cursor whose statements stay prepared on their connection.

    Planning the writer takes longer than running it. Django switches this off for the
    sake of poolers that share a connection in the middle of a session, which the
    scope's settings rule out anyway.
    """
    with connection.cursor():  # connects, and tells the database the active scope
        connection.validate_no_broken_transaction()
        connection.connection.prepare_threshold = _PREPARE_AFTER
        with (
            connection.wrap_database_errors,
            psycopg.Cursor(connection.connection) as cursor,
        ):
            yield cursor


def open_accounts(organization: Organization) -> None:
    """Give an organization its accounts; those it has stay as they are."""
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


def lock_wallets(*organizations: Organization) -> None:
    """Lock wallets until the transaction ends, clients' first; open missing accounts.

    The caller has a transaction and a scope that covers them.
    """
    owners = [organization.pk for organization in organizations]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_WALLETS, {"owners": owners})
        if cursor.rowcount == len(set(owners)):
            return
        for organization in organizations:
            open_accounts(organization)
        cursor.execute(_LOCK_WALLETS, {"owners": owners})


def write_entry(
    fact: Fact,
    legs: Sequence[Leg],
    *,
    needs: int = 0,
    payer: Organization | None = None,
) -> tuple[LedgerEntry, bool]:
    """Write one entry with its postings, once for its key; say whether this did it.

    The wallets it touches are locked by the caller (`lock_wallets`). With `needs`, the
    payer's wallet must have that much, else `NotEnoughCredits`; nothing is written then.
    """
    payer = payer or fact.organization
    params = {
        "organization_id": fact.organization.pk,
        "owners": list({leg.organization.pk for leg in legs}),
        "leg_owners": [leg.organization.pk for leg in legs],
        "leg_kinds": [leg.kind.value for leg in legs],
        "leg_amounts": [leg.microcredits for leg in legs],
        "leg_count": len(legs),
        "payer_id": payer.pk,
        "needs": needs if needs else -(2**62),
        "kind": fact.kind.value,
        "key": fact.key,
        "source": fact.source,
        "source_id": fact.source_id,
        "memo": fact.memo[:200],
        "details": Jsonb(dict(fact.details)),
        "actor_id": fact.actor.pk if fact.actor else None,
        "corrects_id": fact.corrects.pk if fact.corrects else None,
    }
    row = post(_LOCK_WALLETS, _ENTRY, "select count(*) from entry", params)
    entry = LedgerEntry.objects.filter(idempotency_key=fact.key).first()
    if entry is None:
        owner: WalletOwner = "agency" if payer != fact.organization else "organization"
        raise NotEnoughCredits(payer.pk, owner, affordable_seconds=0)
    return entry, row is not None and bool(row[0])


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
