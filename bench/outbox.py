"""How many events a second calls can write down, beside a bare INSERT of the same rows.

Several processes with several connections each begin calls, one transaction after the
other: each writes its call's row and waits for the disk, as a call does; that row is
written as cheaply as can be, so that the cores are left to what is measured. In turns
nothing is told, an event is told to one endpoint, and the two rows that come of it are
inserted by bare SQL. What is told is compared with the bare rows; what a call is slowed
by, with the transaction that tells nothing.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from multiprocessing import get_context
from typing import Any, Final, Literal

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


def _begin_process(start: Any) -> None:
    global _start
    _start = start
    django.setup()


def _process(job: tuple[str, float, Way, int]) -> list[float]:
    """Begin calls on every connection of this process; return each transaction's ms."""
    pk, seconds, way, number = job
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        rows = range(number * CONNECTIONS, (number + 1) * CONNECTIONS)
        runs = [threads.submit(_tell, pk, seconds, way, row) for row in rows]
        return [*chain(*(run.result() for run in runs))]


def _tell(pk: str, seconds: float, way: Way, row: int) -> list[float]:
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
        organization = Organization.objects.select_related("parent").get(pk=pk)
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
            begin = time.perf_counter()
            while time.perf_counter() - begin < seconds:
                started = time.perf_counter()
                with transaction.atomic():
                    with prepared_cursor() as cursor:
                        cursor.execute(_OF_CALL, (call.pk,))
                    if way == "told":
                        record_event(
                            organization=organization,
                            kind=kind,
                            data=data,
                            call_id=call.pk,
                        )
                    elif way == "bare":
                        bare()
                times.append((time.perf_counter() - started) * 1000)
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
    rates: dict[Way, list[float | None]] = {"told": [], "bare": [], "alone": []}
    p95: dict[Way, list[float | None]] = {"told": [], "bare": [], "alone": []}
    with context.Pool(PROCESSES, _begin_process, (start,)) as pool:
        for _ in range(rounds):
            for way in rates:
                jobs = [
                    (str(client.pk), seconds, way, number)
                    for number in range(PROCESSES)
                ]
                times = [*chain(*pool.map(_process, jobs, chunksize=1))]
                rates[way].append(len(times) / seconds)
                p95[way].append(percentile(times, 0.95))
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
            "What that adds to a call's transaction, 95 %",
            "ms",
            median(added),
            f"at most {SLOWED_GOAL_MS:g} ms while as many as possible are accepted",
            at_most(median(added), SLOWED_GOAL_MS),
            peer=median(p95["alone"]),
            peer_name="the same transaction, which tells nothing",
            runs=[p95["told"], p95["alone"]],
        ),
    ]
