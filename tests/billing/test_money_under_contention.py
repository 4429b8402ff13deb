"""Real threads and real processes on the same wallets, and processes that die."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from billing.errors import NotEnoughCredits, UnknownHold
from billing.grants import grant_credits
from billing.holds import (
    CallCost,
    extend_hold,
    release_expired_holds,
    release_hold,
    settle_call,
)
from billing.models import Hold, LedgerEntry
from billing.reconciliation import reconcile
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.billing.books import (
    CREDIT,
    START,
    credits_of,
    hold,
    make_agency,
    make_client,
    used_by,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

T = TypeVar("T")
LATER = START.replace(year=START.year + 1)


def database() -> str:
    """The connection string of the test's database."""
    known = connection.settings_dict
    parts = {
        "dbname": known["NAME"],
        "user": known["USER"],
        "password": known["PASSWORD"],
        "host": known["HOST"],
        "port": known["PORT"],
    }
    return make_conninfo("", **{name: value for name, value in parts.items() if value})


def start_worker(
    task: str, organization: Organization, times: int = 0
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.billing.worker",
            task,
            str(organization.pk),
            str(times),
        ],
        env=os.environ | {"DATABASE_URL": database()},
        stdout=subprocess.PIPE,
        text=True,
    )


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """Run `work` in threads that start together, each with a connection of its own."""
    together = threading.Barrier(count)

    def run(number: int) -> T:
        together.wait()
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def see_everything(outsider: psycopg.Connection[tuple[object]]) -> None:
    outsider.execute(
        "select set_config('app.agency', '*', true),"
        " set_config('app.organization', '*', true)"
    )


@contextmanager
def busy_wallet(
    organization: Organization,
) -> Iterator[psycopg.Connection[tuple[object]]]:
    """Lock an organization's wallet from outside until the block ends."""
    with psycopg.connect(database()) as outsider:
        see_everything(outsider)
        outsider.execute(
            "select 1 from billing_account where organization_id = %s"
            " and kind = 'wallet' for update",
            [organization.pk],
        )
        yield  # type: ignore[misc]  # a bare yield
        outsider.rollback()


def wait_until_blocked(count: int) -> None:
    """Return once so many backends wait for a row lock."""
    for _ in range(4000):
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and wait_event_type = 'Lock' and query like '%%billing_%%'"
            )
            if cursor.fetchone() == (count,):
                return
            cursor.execute("select pg_sleep(0.005)")
    raise AssertionError("Nobody is waiting for the wallet.")


def test_four_processes_never_spend_more_than_there_is() -> None:
    # 10 seconds cost 1/3 credit, rounded up: 100 credits pay for exactly 299 holds.
    agency = make_agency(credits=1000)
    client = make_client(agency, credits=100)
    workers = [start_worker("hold", client, 100) for _ in range(4)]
    counts = [
        tuple(map(int, worker.communicate(timeout=60)[0].split())) for worker in workers
    ]
    assert all(worker.returncode == 0 for worker in workers)
    assert sum(held for held, _ in counts) == 299
    assert sum(refused for _, refused in counts) == 101
    assert credits_of(client) == (100 * CREDIT - 299 * 333_334, 299 * 333_334)
    assert credits_of(agency) == (1000 * CREDIT - 299 * 166_667, 299 * 166_667)
    assert reconcile() == []


def test_clients_in_threads_share_a_pool_that_is_too_small() -> None:
    # The pool pays for exactly 40 holds of 10 seconds; six clients want 60.
    agency = make_agency()
    with organization_scope(agency):
        grant_credits(
            organization=agency,
            amount_microcredits=40 * 166_667,
            idempotency_key="pool",
            actor=None,
        )
    clients = [make_client(agency, f"Client {n}", credits=100) for n in range(6)]

    def ten_calls(number: int) -> list[str]:
        outcomes = []
        for _ in range(10):
            try:
                hold(clients[number], uuid4(), 10)
                outcomes.append("held")
            except NotEnoughCredits as error:
                outcomes.append(error.owner)
        return outcomes

    outcomes = [outcome for some in in_threads(6, ten_calls) for outcome in some]
    assert outcomes.count("held") == 40
    assert outcomes.count("agency") == 20
    assert credits_of(agency) == (0, 40 * 166_667)
    assert reconcile() == []


def test_one_call_held_by_eight_threads_is_held_once() -> None:
    agency = make_agency(credits=100)
    client = make_client(agency, credits=10)
    call_id = uuid4()
    held = in_threads(8, lambda _: hold(client, call_id, 300).seconds)
    assert held == [300] * 8
    assert credits_of(client) == (0, 10 * CREDIT)
    assert reconcile() == []


def test_one_grant_in_eight_threads_is_one_grant() -> None:
    client = make_client(make_agency())

    def grant(_: int) -> str:
        with organization_scope(client):
            return str(
                grant_credits(
                    organization=client,
                    amount_microcredits=CREDIT,
                    idempotency_key="order-7",
                    actor=None,
                ).pk
            )

    assert len(set(in_threads(8, grant))) == 1
    assert credits_of(client) == (CREDIT, 0)
    assert reconcile() == []


def test_settling_in_eight_threads_charges_once() -> None:
    agency = make_agency(credits=100)
    client = make_client(agency, credits=10)
    for _ in range(5):
        call_id = uuid4()
        hold(client, call_id, 60)

        def settle(number: int, call_id: object = call_id) -> CallCost:
            with organization_scope(client):
                return settle_call(call_id=call_id, seconds=20 + number)  # type: ignore[arg-type]

        assert len(set(in_threads(8, settle))) == 1
    with organization_scope(client):
        assert LedgerEntry.objects.filter(kind="settle").count() == 5
    assert reconcile() == []


def test_everything_at_once_on_the_same_calls_leaves_no_drift() -> None:
    agency = make_agency(credits=20)
    clients = [make_client(agency, f"Client {n}", credits=5) for n in range(3)]
    calls = [uuid4() for _ in range(12)]

    def work(number: int) -> None:
        for turn, call_id in enumerate(calls):
            client = clients[turn % 3]
            action = (turn + number) % 5
            with organization_scope(client):
                try:
                    if action <= 1:
                        hold(client, call_id, 30, lasts_s=10)
                    elif action == 2:
                        extend_hold(call_id=call_id, total_seconds=60, expires_at=START)
                    elif action == 3:
                        settle_call(call_id=call_id, seconds=20)
                    else:
                        release_hold(call_id=call_id)
                except (NotEnoughCredits, UnknownHold):
                    continue
            release_expired_holds(LATER)

    in_threads(8, work)
    assert reconcile() == []
    release_expired_holds(LATER)
    for organization in [agency, *clients]:
        assert credits_of(organization)[1] == 0


def test_a_busy_client_does_not_lock_the_pool_for_others() -> None:
    agency = make_agency(credits=100)
    busy, idle = (make_client(agency, name, credits=10) for name in ("Busy", "Idle"))
    hold(idle, uuid4(), 10)
    with ThreadPoolExecutor(1) as pool, busy_wallet(busy):
        waiting = pool.submit(in_threads, 1, lambda _: hold(busy, uuid4(), 60))
        wait_until_blocked(1)
        assert hold(idle, uuid4(), 60).seconds == 60
        assert not waiting.done()
    assert credits_of(busy) == (8 * CREDIT, 2 * CREDIT)


def test_the_sweeper_passes_over_a_wallet_someone_works_on() -> None:
    busy = make_client(make_agency("Acme", credits=100), credits=10)
    free = make_client(make_agency("Globex", credits=100), credits=10)
    for client in (busy, free):
        hold(client, uuid4(), 60)
    with busy_wallet(busy):
        assert release_expired_holds(LATER) == 1
    assert release_expired_holds(LATER) == 1
    assert reconcile() == []


def test_two_sweepers_release_each_call_once() -> None:
    client = make_client(make_agency(credits=100), credits=10)
    for _ in range(20):
        hold(client, uuid4(), 10)
    # One that meets another at the wallet leaves that call for the next sweep.
    released = sum(in_threads(4, lambda _: release_expired_holds(LATER)))
    assert released + release_expired_holds(LATER) == 20
    assert credits_of(client) == (10 * CREDIT, 0)
    assert reconcile() == []


def test_killing_processes_at_work_leaves_no_drift() -> None:
    agency = make_agency(credits=1000)
    client = make_client(agency, credits=1000)
    for lines in (1, 4):
        workers = [start_worker("churn", client) for _ in range(2)]
        for worker in workers:
            assert worker.stdout is not None
            for _ in range(lines):
                assert worker.stdout.readline()
        for worker in workers:
            worker.kill()
            worker.communicate(timeout=30)
        assert reconcile() == []
    wait_until_blocked(0)
    release_expired_holds(LATER)
    available, held = credits_of(client)
    assert held == 0
    assert available + used_by(client) == 1000 * CREDIT
    assert reconcile() == []


def test_a_process_killed_while_it_holds_did_so_in_both_wallets_or_neither() -> None:
    agency = make_agency(credits=100)
    client = make_client(agency, credits=10)
    with busy_wallet(client):
        worker = start_worker("one", client)
        wait_until_blocked(1)
        worker.kill()
        worker.communicate(timeout=30)
    wait_until_blocked(0)
    assert reconcile() == []
    with all_organizations("both wallets are counted"):
        assert Hold.objects.count() in (0, 2)


def test_a_sweeper_killed_half_way_loses_nothing() -> None:
    client = make_client(make_agency(credits=100), credits=10)
    other = make_client(make_agency("Globex", credits=100), credits=10)
    for organization in (client, other):
        for _ in range(5):
            hold(organization, uuid4(), 10)
    with psycopg.connect(database()) as outsider:
        see_everything(outsider)
        outsider.execute(
            "select 1 from billing_hold where organization_id = %s for update",
            [other.pk],
        )
        sweeper = start_worker("sweep", client)
        wait_until_blocked(1)
        sweeper.kill()
        sweeper.communicate(timeout=30)
        assert credits_of(client) == (10 * CREDIT, 0)
        assert reconcile() == []
        outsider.rollback()
    wait_until_blocked(0)
    release_expired_holds(LATER)
    assert credits_of(other) == (10 * CREDIT, 0)
    assert reconcile() == []
