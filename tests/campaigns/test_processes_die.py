"""Real workers, beats and voice processes die while a campaign calls.

Two of each run against the broker and the test's database; one of each is killed in the
middle, and the database is restarted. Nobody is called twice, nobody is forgotten, and
nobody waits longer than 30 s for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from psycopg.conninfo import make_conninfo

from billing.reconciliation import reconcile as reconcile_books
from calls.models import Call, PhoneNumber, VoiceNode
from campaigns.importing import LeadRow
from campaigns.models import Attempt, Campaign, Lead
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import make_campaign
from tests.plugins.postgres import SERVER
from tests.world import House

TREE = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
LEADS = 40
STUCK_S = 30.0
PATIENCE_S = 120.0


class Company:
    """The processes of an installation, each known by its kind."""

    def __init__(self, folder: Path, broker_url: str, redis_url: str) -> None:
        self._folder = folder
        self._environment = os.environ | {
            "DATABASE_URL": make_conninfo(
                os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]
            ),
            "BROKER_URL": broker_url,
            "REDIS_URL": redis_url,
            "VAR_DIR": str(folder / "var"),
            "SECRET_KEY": "tests only",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        (folder / "var" / "static").mkdir(parents=True)
        self._running: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._count = 0

    def start(self, kind: str) -> None:
        self._count += 1
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        schedule = str(self._folder / f"schedule{self._count}")
        command = {
            "worker": [*celery, "worker", "-c", "1", "-n", f"w{self._count}@test"],
            "beat": [*celery, "beat", "--schedule", schedule, "--pidfile="],
            "voice": [sys.executable, "manage.py", "voice"],
        }[kind]
        with (self._folder / f"{kind}{self._count}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=TREE,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that its children die with it
            )
        self._running.setdefault(kind, []).append(process)

    def kill(self, kind: str) -> None:
        """Kill the first of a kind and its children; nothing is closed by them."""
        self._end(self._running[kind].pop(0))

    def close(self) -> None:
        for process in chain.from_iterable(self._running.values()):
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def last_words(self) -> str:
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-800:]}" for log in logs)


@contextmanager
def company(folder: Path, broker_url: str, redis_url: str) -> Iterator[Company]:
    with ExitStack() as stack:
        found = Company(folder, broker_url, redis_url)
        stack.callback(found.close)
        for kind in ("voice", "voice", "worker", "worker", "beat", "beat"):
            found.start(kind)
        wait_until(lambda: VoiceNode.objects.count() == 2, found)
        yield found


def wait_until(is_so: Callable[[], bool], running: Company) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > until_s:
            pytest.fail(f"not in {PATIENCE_S} s\n{running.last_words()}")
        time.sleep(0.2)


def people(count: int) -> list[LeadRow]:
    """Simulated people: most are busy, some reject, a few talk."""
    endings = ("02", "06", "02", "05")
    return [
        LeadRow(f"+3161{n:05d}{endings[n % 4]}", f"Lead {n}", {}) for n in range(count)
    ]


def final(campaign: Campaign) -> int:
    done = (Lead.Status.COMPLETED, Lead.Status.FAILED)
    return Lead.objects.filter(campaign=campaign, status__in=done).count()


def restart_database(request: pytest.FixtureRequest) -> float:
    """Stop the database and start it; return for how long it was away, in seconds."""
    server = request.config.stash[SERVER]
    connection.close()
    began_s = time.monotonic()
    server.stop()
    server.start()
    return time.monotonic() - began_s


@pytest.mark.parametrize("broker", ["redis_server", "rabbitmq_server"])
def test_one_of_everything_is_killed_while_a_campaign_calls(
    broker: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    bakery: House,
    redis_server: str,
) -> None:
    with all_organizations("a client that has been here for a while"):
        Organization.objects.update(max_concurrent_calls=12)
        PhoneNumber.objects.update(carrier="simulator")
    broker_url = request.getfixturevalue(broker)
    with (
        organization_scope(bakery.organization),
        company(tmp_path, broker_url, redis_server) as running,
    ):
        campaign = make_campaign(
            bakery, leads=people(LEADS), max_attempts=1, max_concurrent_calls=8
        )
        for part, kind in ((8, "worker"), (14, "beat"), (20, "voice")):
            wait_until(lambda part=part: final(campaign) >= part, running)  # type: ignore[misc]
            running.kill(kind)
        wait_until(lambda: final(campaign) >= 26, running)
        away_s = restart_database(request)
        wait_until(lambda: is_over(campaign), running)
        check_outcome(campaign, away_s)
    with all_organizations("the books of everybody"):
        assert reconcile_books() == []


def is_over(campaign: Campaign) -> bool:
    try:
        campaign.refresh_from_db()
    except OperationalError:  # the database is not back for us yet
        connection.close()
        return False
    # A halt for failures is somebody's to look at; what was lost may be the reason.
    assert campaign.halt_reason in {"", Campaign.HaltReason.TOO_MANY_FAILURES}
    if campaign.halt_reason:
        Campaign.objects.filter(pk=campaign.pk).update(
            status=Campaign.Status.SCHEDULED, halt_reason=""
        )
    return campaign.status == Campaign.Status.COMPLETED


def check_outcome(campaign: Campaign, away_s: float) -> None:
    leads = Lead.objects.filter(campaign=campaign)
    assert Counter(leads.values_list("attempt_count", flat=True)) == {1: LEADS}
    called = Counter(Call.objects.values_list("callee_number", flat=True))
    assert called == Counter(person.phone_number for person in people(LEADS))
    assert not Call.objects.live().exists()
    assert not Attempt.objects.open().exists()
    for attempt in Attempt.objects.all():
        assert attempt.finished_at is not None
        talked_s = Call.objects.get(pk=attempt.call_id).duration_ms / 1_000
        waited_s = (attempt.finished_at - attempt.created_at).total_seconds()
        # Nobody can be called while there is no database: that is not being stuck.
        assert waited_s - talked_s - away_s < STUCK_S, (
            f"claimed {attempt.created_at}, to start {attempt.start_at}, dialled"
            f" {attempt.dialed_at}, finished {attempt.finished_at}, by"
            f" {attempt.worker_count} workers; the database was away {away_s:.1f} s"
        )
