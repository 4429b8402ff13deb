"""How many events a second calls can write down, beside a bare INSERT of the same rows.

Several processes with several connections each begin calls, one transaction after the
other: each writes its call's row and waits for the disk, as a call does; that row is
written as cheaply as can be, so that the cores are left to what is measured. In turns
nothing is told, an event is told to one endpoint, and the two rows that come of it are
inserted by bare SQL.

First as many as can be: what is told is compared with the bare rows. Then as many a
second as are asked for, each at its own moment whether the one before is done or not:
what a call is slowed by is how much later its transaction ends, counted from that
moment, than one that tells nothing at the same pace.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from multiprocessing import get_context
from typing import Any, Final, Literal, NamedTuple

import django

from bench.figures import Figure, at_least, at_most, median, percentile, ratio, spread

PROCESSES: Final = 2
CONNECTIONS: Final = 8  # of each process
ACCEPTED_GOAL: Final = 1_000
SLOWED_GOAL_MS: Final = 5.0

Way = Literal["told", "bare", "alone"]
_BARE: Final = (
    "insert into portal_webhookevent (id, organization_id, agency_id, kind, call_id,"
    " body, is_test, created_at) values (%s, %s, %s, %s, %s, %s, false, now())",
    "insert into portal_webhookdelivery (id, organization_id, agency_id, endpoint_id,"
    " event_id, kind, call_id, status, attempts, is_replay, created_at, next_at, error)"
    " values (%s, %s, %s, %s, %s, %s, %s, 'pending', 0, false, now(), now(), '')",
)
_OF_CALL: Final = "update calls_call set updated_at = now() where id = %s"
_start: Any = None


class _Job(NamedTuple):
    """What one process does: `pace` is transactions a second of all, 0 for no limit."""

    organization: str
    seconds: float
    way: Way
    number: int
    pace: int


def _begin_process(start: Any) -> None:
    global _start
    _start = start
    django.setup()


def _process(job: _Job) -> list[float]:
    """Begin calls on every connection of this process; return each transaction's ms."""
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        rows = range(job.number * CONNECTIONS, (job.number + 1) * CONNECTIONS)
        runs = [threads.submit(_tell, job, row) for row in rows]
        return [*chain(*(run.result() for run in runs))]


def _moments(job: _Job, row: int) -> Iterator[float]:
    """Give the moment each transaction of a connection is due, for as long as wanted."""
    begin = time.perf_counter()
    connections = PROCESSES * CONNECTIONS
    due = begin + (row / job.pace if job.pace else 0)
    while due - begin < job.seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        yield due
        due = due + connections / job.pace if job.pace else time.perf_counter()


def _tell(job: _Job, row: int) -> list[float]:
    from django.db import connection, transaction
    from django.utils import timezone

    from calls.models import Call
    from common.ids import uuid7
    from portal.models import Organization, WebhookEndpoint
    from portal.postgresql.prepared import prepared_cursor
    from portal.scope import all_organizations, organization_scope
    from portal.webhooks import record_event
    from portal.webhooks.recording import message_body
    from portal.webhooks.samples import sample

    with all_organizations("the bench is told whom to work for"):
        organization = Organization.objects.select_related("parent").get(
            pk=job.organization
        )
    kind, data, times = "status-update", sample("status-update"), []

    def bare() -> None:
        event, owner = uuid7(), (organization.pk, organization.agency_id)
        body = message_body(kind, data, timezone.now())
        with prepared_cursor() as cursor:
            cursor.execute(_BARE[0], (event, *owner, kind, call.pk, body))
            cursor.execute(
                _BARE[1], (uuid7(), *owner, endpoint.pk, event, kind, call.pk)
            )

    try:
        with organization_scope(organization):
            call = Call.objects.filter(organization=organization)[row]
            endpoint = WebhookEndpoint.objects.filter(organization=organization)[0]
            _start.wait(60)
            for due in _moments(job, row):
                with transaction.atomic():
                    with prepared_cursor() as cursor:
                        cursor.execute(_OF_CALL, (call.pk,))
                    if job.way == "told":
                        record_event(
                            organization=organization,
                            kind=kind,
                            data=data,
                            call_id=call.pk,
                        )
                    elif job.way == "bare":
                        bare()
                times.append((time.perf_counter() - due) * 1000)
    finally:
        connection.close()
    return times


def figures(rounds: int, seconds: float) -> list[Figure]:
    """Return what is accepted a second, and what that adds to a call's transaction."""
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope
    from portal.webhooks.endpoints import create_endpoint

    with all_organizations("the bench's own"):
        client = Organization.objects.select_related("parent").get(name="Few")
    with organization_scope(client):
        create_endpoint(
            organization=client,
            url="https://example.com/hook",
            events=["status-update"],
            actor=None,
        )
    context = get_context("spawn")
    start = context.Barrier(PROCESSES * CONNECTIONS)
    rates: dict[Way, list[float | None]] = {"told": [], "bare": []}
    p95: dict[Way, list[float | None]] = {"told": [], "bare": [], "alone": []}
    with context.Pool(PROCESSES, _begin_process, (start,)) as pool:

        def times_of(way: Way, pace: int) -> list[float]:
            jobs = [
                _Job(str(client.pk), seconds, way, number, pace)
                for number in range(PROCESSES)
            ]
            return [*chain(*pool.map(_process, jobs, chunksize=1))]

        for _ in range(rounds):
            for way in rates:
                rates[way].append(len(times_of(way, 0)) / seconds)
            for way in p95:
                p95[way].append(percentile(times_of(way, ACCEPTED_GOAL), 0.95))
    return _shown(rates, p95)


def _shown(
    rates: dict[Way, list[float | None]], p95: dict[Way, list[float | None]]
) -> list[Figure]:
    accepted = median(rates["told"])
    beside = ratio(rates["told"], rates["bare"])
    added = [
        mine - alone
        for mine, alone in zip(p95["told"], p95["alone"], strict=True)
        if mine is not None and alone is not None
    ]
    return [
        Figure(
            "Deliveries accepted into the outbox",
            "a second",
            accepted,
            f"at least {ACCEPTED_GOAL:,}; beside bare rows {spread(beside)}",
            at_least(accepted, ACCEPTED_GOAL),
            peer=median(rates["bare"]),
            peer_name="a bare INSERT of the same rows",
            limit=ACCEPTED_GOAL,
            limit_name="asked for",
            ratio_to_peer=beside[0],
            ratio_to_limit=round((accepted or 0) / ACCEPTED_GOAL, 2),
            runs=[rates["told"], rates["bare"]],
        ),
        Figure(
            f"What telling {ACCEPTED_GOAL:,} a second adds to a call's transaction, 95 %",
            "ms",
            median(added),
            f"at most {SLOWED_GOAL_MS:g} ms more than one that tells nothing",
            at_most(median(added), SLOWED_GOAL_MS),
            peer=median(p95["alone"]),
            peer_name="the same transaction, which tells nothing",
            limit=median(p95["bare"]),
            limit_name="with bare rows inserted",
            runs=[p95["told"], p95["bare"], p95["alone"]],
        ),
    ]
