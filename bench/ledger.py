"""Hold+settle pairs a second, beside the bare SQL that does the least possible.

    python -m bench.ledger [ROUNDS SECONDS]

DATABASE_URL names a migrated, empty database to work in.

The bare SQL is two tables: hold and settle are each a transaction of one conditional
UPDATE and one INSERT for every wallet. It keeps no double entry, no hold, no expiry, no
tenancy, and it believes what it is told to settle. Both sides touch the same wallets:
`agency` calls take from one, `client` calls from two, the client's and the pool; all of
them from the same, or each worker from its share of a thousand in turn.

Each figure is the median of several rounds. A round runs ours and the bare SQL one
after the other with the same number of processes, in changing order, and the books are
reconciled at the end.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID, uuid4

import django
import psycopg

WORKERS: Final = 4
WALLETS: Final = 1_000
ROUNDS: Final = 5
SECONDS: Final = 2.0
CREDITS: Final = 10**15
GOAL: Final = 0.5
# The wallets that one call takes from: an agency's, or a client's and its agency's.
Payers = list[UUID]

_SCHEMA: Final = """
drop table if exists bench_entry; drop table if exists bench_account;
create table bench_account (id uuid primary key, balance bigint check (balance >= 0));
create table bench_entry (id uuid primary key, key text unique,
  account_id uuid references bench_account, amount bigint);
"""


def _bare_pair(connection: psycopg.Connection[Any], wallets: Payers) -> None:
    call = uuid4()
    with connection.transaction():
        for wallet in wallets:
            found = connection.execute(
                "update bench_account set balance = balance - %s"
                " where id = %s and balance >= %s",
                [1_000_000, wallet, 1_000_000],
            )
            assert found.rowcount == 1
            connection.execute(
                "insert into bench_entry values (%s, %s, %s, %s)",
                [uuid4(), f"{call}:{wallet}:hold", wallet, -1_000_000],
            )
    with connection.transaction():
        for wallet in wallets:
            connection.execute(
                "update bench_account set balance = balance + %s where id = %s",
                [500_000, wallet],
            )
            connection.execute(
                "insert into bench_entry values (%s, %s, %s, %s)",
                [uuid4(), f"{call}:{wallet}:settle", wallet, 500_000],
            )


def _bare(payers: list[Payers]) -> float:
    turns = itertools.cycle(payers)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        return _count(lambda: _bare_pair(connection, next(turns)))


def _ours(payers: list[Payers]) -> float:
    from django.utils import timezone

    from billing.holds import hold_for_call, settle_call
    from billing.tariff import CallPrice, Tariff
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope

    with all_organizations("the bench is told whom to work for"):
        found = Organization.objects.select_related("parent").in_bulk(
            [wallets[0] for wallets in payers]
        )
    turns = itertools.cycle(found.values())
    expires_at = timezone.now() + timedelta(hours=1)
    price = CallPrice(Tariff(1_000_000), Tariff(1_000_000))

    def pair() -> None:
        call, organization = uuid4(), next(turns)
        with organization_scope(organization):
            hold_for_call(
                call_id=call,
                organization=organization,
                seconds=60,
                price=price,
                expires_at=expires_at,
            )
            settle_call(call_id=call, seconds=30)

    return _count(pair)


def _count(pair: Callable[[], None]) -> float:
    """Warm up, wait for the other workers, and count pairs a second."""
    for _ in range(10):
        pair()
    _start.wait(60)
    begin = time.perf_counter()
    pairs = 0
    while (now := time.perf_counter()) - begin < _seconds:
        pair()
        pairs += 1
    return pairs / (now - begin)


_start: Any = None
_seconds = SECONDS


def _begin_worker(start: Any, seconds: float) -> None:
    global _start, _seconds
    _start, _seconds = start, seconds
    django.setup()


def _rate(pool: Any, side: Callable[..., float], payers: list[Payers]) -> float:
    """Run one side in all workers at once; return the pairs a second of all.

    Every worker waits for the others at the barrier, so each takes one of the jobs:
    its share of the payers, or all share the one there is.
    """
    jobs = [payers[number::WORKERS] or payers for number in range(WORKERS)]
    return float(sum(pool.map(side, jobs, chunksize=1)))


def _open(name: str, parent: Any) -> Any:
    from billing.grants import grant_credits
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope

    organization = Organization(name=name, parent=parent)
    with all_organizations("the bench makes its own organizations"):
        organization.save(force_insert=True)
    with organization_scope(organization):
        grant_credits(
            organization=organization,
            amount_microcredits=CREDITS,
            idempotency_key="bench",
            actor=None,
        )
    return organization


def _payers(kind: str, spread: int) -> list[Payers]:
    """Open so many wallets, or clients' wallets and their pools; return who pays."""
    found = []
    for number in range(spread):
        agency = _open(f"Bench {kind} {number}", None)
        if kind == "agency":
            found.append([agency.pk])
        else:
            found.append([_open("Client", agency).pk, agency.pk])
    return found


def _prepare_bare(payers: list[Payers]) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(_SCHEMA)
        for wallet in {wallet for some in payers for wallet in some}:
            connection.execute(
                "insert into bench_account values (%s, %s)", [wallet, CREDITS]
            )


def _analyze() -> None:
    """Give the planner the sizes that a running installation's autovacuum gives it."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        for table in ("account", "hold", "ledgerentry", "posting"):
            connection.execute(f"vacuum analyze billing_{table}")


def _figure(
    pool: Any, name: str, kind: str, spread: int, *, rounds: int
) -> dict[str, Any]:
    payers = _payers(kind, spread)
    _prepare_bare(payers)
    _rate(pool, _ours, payers)
    _analyze()
    runs = []
    for number in range(rounds):
        sides = [("ours", _ours), ("limit", _bare)]
        if number % 2:
            sides.reverse()
        runs.append({side: round(_rate(pool, run, payers)) for side, run in sides})
    ours = statistics.median(run["ours"] for run in runs)
    limit = statistics.median(run["limit"] for run in runs)
    ratio = statistics.median(run["ours"] / run["limit"] for run in runs)
    return {
        "name": f"ledger: {name}",
        "unit": "hold+settle pairs/s",
        "ours": ours,
        "peer": None,
        "peer_name": None,
        "limit": limit,
        "limit_name": "bare UPDATE + INSERT in the same wallets",
        "ratio_to_peer": None,
        "ratio_to_limit": round(ratio, 2),
        "goal": f"at least {GOAL} of the bare SQL, no drift",
        "met": ratio >= GOAL,
        "runs": runs,
    }


def figures(*, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[dict[str, Any]]:
    """Measure; raises when the books do not agree afterwards."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from billing.reconciliation import reconcile

    context = get_context("spawn")
    start = context.Barrier(WORKERS)
    with context.Pool(WORKERS, _begin_worker, [start, seconds]) as pool:
        found = [
            _figure(pool, "one wallet", "agency", 1, rounds=rounds),
            _figure(pool, "1,000 wallets", "agency", WALLETS, rounds=rounds),
            _figure(pool, "one client and its pool", "client", 1, rounds=rounds),
            _figure(pool, "1,000 clients and pools", "client", WALLETS, rounds=rounds),
        ]
    if drifts := reconcile():
        raise RuntimeError(f"The books do not agree: {drifts[0]}")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("drop table bench_entry; drop table bench_account")
    return found


if __name__ == "__main__":
    given = sys.argv[1:] or [str(ROUNDS), str(SECONDS)]
    for figure in figures(rounds=int(given[0]), seconds=float(given[1])):
        sys.stdout.write(json.dumps(figure) + "\n")
