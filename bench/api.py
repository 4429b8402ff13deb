"""The API beside a bare view, with few calls and with a million, and the outbox.

    python -m bench.api [ROUNDS SECONDS CALLS]

DATABASE_URL names a migrated, empty database to work in.

The bare view makes the same query and the same JSON, in Django's own handler with no
middleware: it knows no key, no limit, no scope, no schema. Both run in this process on
one connection, in turns. The outbox is written to by four processes at once, as calls
would, and what that adds to the transaction of a call that begins is measured beside
the same transaction with nobody listening.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import chain
from multiprocessing import get_context
from typing import Any, Final

import django
from psycopg.types.json import Jsonb

from bench.figures import (
    Figure,
    all_met,
    at_least,
    at_most,
    median,
    percentile,
    ratio,
    spread,
)

# Rounds, seconds of each, calls of the full organization.
FULL: Final = (5, 3.0, 1_000_000)
QUICK: Final = (1, 0.5, 20_000)
FEW: Final = 1_000
ASSISTANTS: Final = 50
WORKERS: Final = 4
RATIO_GOAL: Final = 0.6
GROWTH_GOAL: Final = 1.5
ACCEPTED_GOAL: Final = 1_000
SLOWED_GOAL_MS: Final = 5.0
ASKING_GOAL_MS: Final = 5.0

_SHOWN: Final = (
    "id",
    "caller_number",
    "other_number",
    "status",
    "direction",
    "end_reason",
    "error",
    "started_at",
    "ended_at",
    "billed_seconds",
    "duration_ms",
    "setup_ms",
    "assistant_id",
    "number_id",
    "cost_microcredits",
    "created_at",
    "updated_at",
)
_CALLS: Final = """
insert into calls_call (id, organization_id, agency_id, direction, carrier, status,
  end_reason, error, fault_owner, disposition, is_test, caller_number, callee_number,
  variables, overrides, metadata, stop_reason, created_at, updated_at, duration_ms,
  price_microcredits_per_minute, pool_price_microcredits_per_minute, billed_seconds,
  cost_microcredits, pool_cost_microcredits, token_digest, resume_digest, recording,
  recording_ms, waveform, quality, usage, summary {extra_names})
select gen_random_uuid(), %(organization)s, %(agency)s, 'web', 'webrtc', 'ended',
  'user_hangup', '', '', '', false, '', '', '{{}}', '{{}}', '{{}}', '',
  now() - n * interval '1 second', now(), 1000, 0, 0, 1, 0, 0, '', '', '', 0, '{{}}',
  '{{}}', '{{}}', '' {extra_values}
from generate_series(1, %(count)s) n
"""


def _plain(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict | list) else value


def _fill(organization: Any, count: int) -> None:
    """Give an organization calls, whatever columns a call has by now."""
    from django.db import connection

    from calls.models import Call
    from portal.scope import all_organizations

    named = _CALLS.split("(", 1)[1].split("{extra")[0]
    known = {name.strip() for name in named.split(",")}
    extra = [
        field
        for field in Call._meta.concrete_fields
        if not field.null and field.column not in known
    ]
    sql = _CALLS.format(
        extra_names="".join(f", {field.column}" for field in extra),
        extra_values="".join(f", %({field.column})s" for field in extra),
    )
    values: dict[str, Any] = {
        "organization": organization.pk,
        "agency": organization.agency_id,
        "count": count,
    } | {str(field.column): _plain(field.get_default()) for field in extra}
    with (
        all_organizations("the bench fills its own database"),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)
    with connection.cursor() as cursor:
        cursor.execute("analyze calls_call")


class _Asker:
    """Sends GETs to the product's handler, and to the bare view's, in this process."""

    def __init__(self, host: str, organization: Any) -> None:
        from django.test import Client

        from portal.scope import organization_scope
        from portal.services.api_keys import issue_key

        with organization_scope(organization):
            _row, key = issue_key(organization=organization, name="Bench", actor=None)
        self.organization = organization
        self._client = Client(
            SERVER_NAME=host,
            HTTP_AUTHORIZATION=f"Bearer {key}",
            raise_request_exception=True,
        )

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content[:300]
        return answer


def _timed(ask: Callable[[], Any], seconds: float) -> tuple[float, float | None]:
    """Return requests a second and the 95th percentile in milliseconds."""
    for _ in range(5):
        ask()
    begin = time.perf_counter()
    times = []
    while time.perf_counter() - begin < seconds:
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    return len(times) / (time.perf_counter() - begin), percentile(times, 0.95)


def _bare(
    organization: Any,
) -> dict[str, Callable[[float], tuple[float, float | None]]]:
    """The same rows as JSON from a view that does nothing else."""
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.test import Client, override_settings
    from django.urls import path

    from assistants.queries import visible_assistants
    from calls.queries import visible_calls
    from portal.scope import organization_scope

    def assistants(request: HttpRequest) -> HttpResponse:
        with organization_scope(organization):
            rows = [
                {
                    "id": row.pk,
                    **(row.current_version.spec_json if row.current_version else {}),
                    "is_active": row.is_active,
                    "created_at": row.created_at,
                    "updated_at": row.updated_at,
                }
                for row in visible_assistants()
            ]
        return JsonResponse({"assistants": rows})

    def calls(request: HttpRequest) -> HttpResponse:
        with organization_scope(organization):
            rows = [
                {name: getattr(row, name) for name in _SHOWN}
                | {"agent_name": row.assistant.name if row.assistant else None}
                | {"assistant_phone": row.number.number if row.number else None}
                for row in visible_calls()[:100]
            ]
        return JsonResponse({"calls": rows})

    class Urls:
        urlpatterns = [path("assistants", assistants), path("calls", calls)]

    client = Client(SERVER_NAME="localhost")

    def asking(name: str) -> Callable[[], Any]:
        def ask() -> Any:
            answer = client.get(f"/{name}")
            assert answer.status_code == 200
            return answer

        return ask

    bare = override_settings(MIDDLEWARE=[], ROOT_URLCONF=Urls)
    return {name: _within(bare, asking(name)) for name in ("assistants", "calls")}


def _within(
    settings: Any, ask: Callable[[], Any]
) -> Callable[[float], tuple[float, float | None]]:
    """Return `ask` as a round that enters other settings once, not for every request."""

    def round_of(seconds: float) -> tuple[float, float | None]:
        with settings:
            return _timed(ask, seconds)

    return round_of


def _house() -> tuple[Any, Any, Any, str]:
    """Open an agency, two clients with calls, and assistants for the first."""
    from django.conf import settings

    from assistants.services import create_assistant
    from billing.ledger import open_accounts
    from portal.scope import organization_scope
    from portal.services.organizations import open_agency, open_client
    from tests.world import desk_spec

    portal = open_agency(name="Bench", slug="bench", actor=None)
    clients = [
        open_client(agency=portal.agency, name=name, actor=None)
        for name in ("Few", "Many")
    ]
    for client in clients:
        with organization_scope(client):
            open_accounts(client)
    with organization_scope(clients[0]):
        for number in range(ASSISTANTS):
            create_assistant(
                organization=clients[0],
                spec=desk_spec(name=f"Assistant {number}"),
                actor=None,
            )
    few, full = clients
    return portal, few, full, f"bench.{settings.BASE_DOMAIN}"


def _reading(rounds: int, seconds: float, many: int) -> list[Figure]:
    _portal, few, full, host = _house()
    _fill(few, FEW)
    _fill(full, many)
    asker, full_asker = _Asker(host, few), _Asker(host, full)
    bare = _bare(few)
    found = []
    for name in ("assistants", "calls"):
        ours, theirs, ours_p95, theirs_p95 = [], [], [], []
        for _ in range(rounds):
            rate, p95 = _timed(lambda: asker.get(f"/{name}"), seconds)  # noqa: B023
            ours.append(rate)
            ours_p95.append(p95)
            rate, p95 = bare[name](seconds)
            theirs.append(rate)
            theirs_p95.append(p95)
        middle, least, most = ratio(ours, theirs)
        found.append(
            Figure(
                f"GET /{name}",
                "a second",
                median(ours),
                f"at least {RATIO_GOAL} × a bare view; {spread((middle, least, most))}",
                at_least(middle, RATIO_GOAL),
                peer=median(theirs),
                peer_name="the same query in a bare view",
                ratio_to_peer=middle,
                runs=[ours, theirs],
            )
        )
        slower, *_rest = ratio(ours_p95, theirs_p95)
        found.append(
            Figure(
                f"GET /{name}, 95 %",
                "ms",
                median(ours_p95),
                f"at most {round(1 / RATIO_GOAL, 2)} × a bare view",
                at_most(slower, 1 / RATIO_GOAL),
                peer=median(theirs_p95),
                peer_name="the same query in a bare view",
                ratio_to_peer=slower,
                runs=[ours_p95, theirs_p95],
            )
        )
    small, large = [], []
    for _ in range(rounds):
        small.append(_timed(lambda: asker.get("/calls"), seconds)[1])
        large.append(_timed(lambda: full_asker.get("/calls"), seconds)[1])
    growth = ratio(large, small)
    found.append(
        Figure(
            f"GET /calls of {many:,} calls, 95 %",
            "ms",
            median(large),
            f"at most {GROWTH_GOAL} × that of {FEW:,}; {spread(growth)}",
            at_most(growth[0], GROWTH_GOAL),
            peer=median(small),
            peer_name=f"{FEW:,} calls",
            ratio_to_peer=growth[0],
            runs=[large, small],
        )
    )
    return found


_start: Any = None


def _begin_worker(start: Any) -> None:
    global _start
    _start = start
    django.setup()


def _tell(job: tuple[str, float, bool]) -> list[float]:
    """Begin calls one after the other; return how long each transaction took, in ms."""
    from django.db import transaction

    from calls.models import Call
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope
    from portal.webhooks import record_event
    from portal.webhooks.samples import sample

    pk, seconds, tells = job
    with all_organizations("the bench is told whom to work for"):
        organization = Organization.objects.select_related("parent").get(pk=pk)
    data = sample("status-update")
    times = []
    with organization_scope(organization):
        call = Call.objects.filter(organization=organization)[0]
        _start.wait(60)
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds:
            started = time.perf_counter()
            with transaction.atomic():
                Call.objects.filter(pk=call.pk).only("pk").get()
                if tells:
                    record_event(
                        organization=organization,
                        kind="status-update",
                        data=data,
                        call_id=call.pk,
                    )
            times.append((time.perf_counter() - started) * 1000)
    return times


def _outbox(rounds: int, seconds: float) -> list[Figure]:
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
    start = context.Barrier(WORKERS)
    accepted, with_p95, without_p95 = [], [], []
    with context.Pool(WORKERS, _begin_worker, (start,)) as pool:
        for _ in range(rounds):
            for tells in (True, False):
                jobs = [(str(client.pk), seconds, tells)] * WORKERS
                times = [*chain(*pool.map(_tell, jobs, chunksize=1))]
                if tells:
                    accepted.append(len(times) / seconds)
                    with_p95.append(percentile(times, 0.95))
                else:
                    without_p95.append(percentile(times, 0.95))
    added = [
        mine - bare
        for mine, bare in zip(with_p95, without_p95, strict=True)
        if mine is not None and bare is not None
    ]
    return [
        Figure(
            "Deliveries accepted into the outbox",
            "a second",
            median(accepted),
            f"at least {ACCEPTED_GOAL:,}",
            at_least(median(accepted), ACCEPTED_GOAL),
            limit=ACCEPTED_GOAL,
            limit_name="asked for",
            ratio_to_limit=round((median(accepted) or 0) / ACCEPTED_GOAL, 2),
            runs=accepted,
        ),
        Figure(
            "What that adds to a call's transaction, 95 %",
            "ms",
            median(added),
            f"at most {SLOWED_GOAL_MS:g} ms while as many as possible are accepted",
            at_most(median(added), SLOWED_GOAL_MS),
            peer=median(without_p95),
            peer_name="the transaction with nobody listening",
            runs=[with_p95, without_p95],
        ),
    ]


async def _questions(seconds: float) -> list[float]:
    """Ask a receiver on this machine; return what our side added to each, in ms."""
    from aiohttp import web

    from common.http.client import close_sessions
    from portal.webhooks.asking import Listener, ask
    from portal.webhooks.samples import sample

    spent: list[float] = []

    async def receive(request: web.Request) -> web.Response:
        started = time.perf_counter()
        await request.read()
        await asyncio.sleep(0.01)
        spent.append((time.perf_counter() - started) * 1000)
        return web.json_response({"result": "Tuesday at ten"})

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    listener = Listener(f"http://127.0.0.1:{port}/", ("secret",), "Bench/1.0")
    data = sample("tool-calls")
    added = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        reply = await ask(listener, kind="tool-calls", data=data, timeout_s=10)
        assert reply.is_useful, reply.error
        added.append((time.perf_counter() - started) * 1000 - spent[-1])
    await close_sessions()
    await runner.cleanup()
    return added


def _asking(rounds: int, seconds: float) -> list[Figure]:
    from django.conf import settings

    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    p95 = [percentile(asyncio.run(_questions(seconds)), 0.95) for _ in range(rounds)]
    return [
        Figure(
            "What our side adds to a question's answer, 95 %",
            "ms",
            median(p95),
            f"at most {ASKING_GOAL_MS:g} ms beside the receiver's own time",
            all_met(at_most(median(p95), ASKING_GOAL_MS)),
            limit=ASKING_GOAL_MS,
            limit_name="asked for",
            ratio_to_limit=round((median(p95) or 0) / ASKING_GOAL_MS, 2),
            runs=p95,
        )
    ]


def main() -> None:
    given = [float(text) for text in sys.argv[1:]] or FULL
    rounds, seconds, many = int(given[0]), given[1], int(given[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["API_RATE_PER_MINUTE"] = "100000000"
    django.setup()
    found = _reading(rounds, seconds, many)
    found += _outbox(rounds, seconds)
    found += _asking(rounds, seconds)
    for figure in found:
        print(json.dumps(figure.as_json()))


if __name__ == "__main__":
    main()
