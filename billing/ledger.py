"""The only writer of money: balances, entries and postings.

Every operation is one function of the database, called in one round trip, in a
transaction of its own or the caller's. `billing_entry` writes any fact; those of calls
(`billing.holds`) decide what they write as well. All of them leave the writing to
`billing_post`: the entry, whose unique idempotency key comes first, then balances, then
postings. When the key exists, nothing moves.

Locks: an organization's wallet row stands for all of its accounts, holds and lots.
Whoever moves money locks the wallet of the organization, then the pool of its agency.
The pool comes last so that a busy client never waits while it keeps the pool from
others. A caller that moves the money of several clients in one transaction of its own
gives up this order, and with it the promise that nothing deadlocks.

The functions are in the migrations `0008_ledger_functions` and after; why they are
functions is in docs/adr/0010.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.types.json import Jsonb

from billing.errors import NotEnoughCredits, WalletOwner
from billing.models import Account, LedgerEntry
from common.ids import uuid7
from portal.models import ForeignRow, Organization, User
from portal.postgresql.prepared import prepared_cursor
from portal.scope import Scope, agency_scope, require_scope

_LOCK_WALLETS: Final = """
select id from billing_account
where organization_id = any(%(owners)s) and kind = 'wallet'
order by organization_id = agency_id
for no key update
"""
_ENTRY: Final = """
select billing_entry(%(id)s, %(kind)s, %(key)s, %(organization_id)s, %(source)s,
  %(source_id)s, %(memo)s, %(details)s, %(actor_id)s, %(corrects_id)s,
  %(leg_owners)s, %(leg_kinds)s, %(leg_amounts)s, %(payer_id)s, %(needs)s)
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


def run_rule(call: str, params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Run one of the ledger's functions in one round trip; return its one row.

    All of it is done, or nothing; in the caller's transaction, where there is one.
    """
    with prepared_cursor() as cursor:
        row = cursor.execute(call, params).fetchone()
    assert row is not None
    return row


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
        "id": uuid7(),
        "kind": fact.kind.value,
        "key": fact.key,
        "organization_id": fact.organization.pk,
        "source": fact.source,
        "source_id": fact.source_id,
        "memo": fact.memo[:200],
        "details": Jsonb(dict(fact.details)),
        "actor_id": fact.actor.pk if fact.actor else None,
        "corrects_id": fact.corrects.pk if fact.corrects else None,
        "leg_owners": [leg.organization.pk for leg in legs],
        "leg_kinds": [leg.kind.value for leg in legs],
        "leg_amounts": [leg.microcredits for leg in legs],
        "payer_id": payer.pk,
        "needs": needs or None,
    }
    (is_new,) = run_rule(_ENTRY, params)
    entry = LedgerEntry.objects.filter(idempotency_key=fact.key).first()
    if entry is None:
        owner: WalletOwner = "agency" if payer != fact.organization else "organization"
        raise NotEnoughCredits(payer.pk, owner, affordable_seconds=0)
    return entry, bool(is_new)


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
