"""The processes that dial while it is measured: a worker, and a voice process's ends.

    python -m bench.dialing worker|dying
    python -m bench.dialing ender PART

The worker does what beat has workers do, at beat's own intervals: ticks that send for
campaigns with due leads, and the sweeper. Messages are acted on where they are sent.
Calls are placed for real, with holds and records; enders end them as busy through the
services of a voice process, each its part of them, so that lines stay free: one alone
ends fewer calls a second than a worker places. `dying` claims leads and is killed
before it dials one.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import django
import psycopg

ROOT: Final = Path(__file__).resolve().parent.parent
_END_BATCH: Final = 400
ENDERS: Final = 2


@contextmanager
def enders() -> Iterator[None]:
    """Have calls ended as soon as they ring, until the block ends."""
    with ExitStack() as stack:
        for part in range(ENDERS):
            stack.enter_context(process("ender", str(part)))
        yield


@contextmanager
def process(*kind: str) -> Iterator[subprocess.Popen[str]]:
    """Run one of these processes until the block ends."""
    running = subprocess.Popen(
        [sys.executable, "-m", "bench.dialing", *kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    if running.stdout.readline() != "ready\n":
        raise RuntimeError(f"The bench's {kind[0]} does not start.")
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def report_of(running: subprocess.Popen[str]) -> dict[str, float]:
    """End a worker and return what it counted."""
    running.terminate()
    assert running.stdout is not None
    found: dict[str, float] = json.loads(running.stdout.readline())
    return found


class _Counted:
    """Counts the statements this process sends to PostgreSQL, the ledger's included."""

    def __init__(self) -> None:
        self.statements = 0
        execute = psycopg.Cursor.execute

        def counting(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            self.statements += 1
            return execute(cursor, *args, **kwargs)

        psycopg.Cursor.execute = counting  # type: ignore[assignment, method-assign]  # counts


def _work(is_over: Callable[[], bool]) -> None:
    from campaigns import dialing, tasks
    from config.celery import app

    counted = _Counted()
    dial, placed, spent = dialing.dial_attempts, 0, 0

    def dial_counted(attempt_ids: Any) -> int:
        nonlocal placed, spent
        before = counted.statements
        made = dial(attempt_ids)
        placed, spent = placed + made, spent + counted.statements - before
        return made

    dialing.dial_attempts = dial_counted
    every_s = {
        name: float(app.conf.beat_schedule[name]["schedule"])
        for name in ("dial_due_leads", "reconcile_attempts")
    }
    due_s = dict.fromkeys(every_s, 0.0)
    while not is_over():
        for name, next_s in due_s.items():
            if next_s <= time.monotonic():
                due_s[name] = time.monotonic() + every_s[name]
                getattr(tasks, name)()
        time.sleep(0.02)
    used = time.process_time()
    sys.stdout.write(
        json.dumps({"placed": placed, "statements": spent, "cpu_s": used}) + "\n"
    )
    sys.stdout.flush()


def _end(part: int, is_over: Callable[[], bool]) -> None:
    """End a part of what rings, as a voice process does that finds everybody busy."""
    from calls.models import Call
    from calls.services.finish import Outcome, finish_call
    from calls.services.nodes import beat, register_node
    from calls.session.events import EndReason
    from portal.scope import Scope, all_organizations

    os.nice(5)  # it stands for voice processes on machines of their own
    node = register_node(host="bench", pid=os.getpid(), capacity=50_000)
    while not is_over():
        with all_organizations("the bench ends every call"):
            live = list(
                Call.objects.live()
                .order_by("created_at")
                .values_list("pk", "agency_id", "organization_id")[:_END_BATCH]
            )
        mine = [row for row in live if row[0].int % ENDERS == part]
        for number, (call_id, *owner) in enumerate(mine):
            if number % 25 == 0:
                beat(node_id=node.pk, call_ids=[])
            finish_call(
                call_id=call_id, scope=Scope(*owner), outcome=Outcome(EndReason.BUSY)
            )
        beat(node_id=node.pk, call_ids=[])
        time.sleep(0.2)


def _die() -> None:
    """Claim what is due, and be killed."""
    from campaigns.claiming import claim_leads
    from campaigns.models import Campaign
    from portal.scope import all_organizations, organization_scope

    with all_organizations("the bench has one running campaign"):
        campaign = Campaign.objects.running().select_related("organization").get()
    with organization_scope(campaign.organization):
        claimed = claim_leads(
            campaign_id=campaign.pk, organization=campaign.organization
        )
    sys.stdout.write(f"{len(claimed)}\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from config.celery import app

    app.conf.task_always_eager = True
    logging.getLogger("channels_postgres").setLevel(logging.ERROR)  # nobody listens
    logging.getLogger("celery").setLevel(logging.WARNING)
    over = False

    def stop(*_: object) -> None:
        nonlocal over
        over = True

    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if sys.argv[1] == "dying":
        _die()
    elif sys.argv[1] == "ender":
        _end(int(sys.argv[2]), lambda: over)
    else:
        _work(lambda: over)


if __name__ == "__main__":
    main()
