"""A worker killed at any line loses no lead, calls nobody twice, blocks nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from billing.ledger import wallet_balance
from billing.reconciliation import reconcile as reconcile_books
from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import tasks
from campaigns.models import Attempt, Campaign, Lead
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import end_call, make_campaign
from tests.world import House

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HOUSE = Path(__file__).resolve().parents[2]
# Every line would take minutes; a prime step comes by different lines of each loop.
STEP = 31
Run = Callable[..., str]


@pytest.fixture
def run_dying() -> Iterator[Run]:
    """Run a task in a process that is killed at its n-th line."""
    database = make_conninfo(
        os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.campaigns.dying_worker"],
        cwd=HOUSE,
        env=os.environ
        | {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PGAPPNAME": "dying worker",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None

    def run(line_count: int, task: str, **kwargs: object) -> str:
        words = [f"{name}={value}" for name, value in kwargs.items()]
        print(line_count, task, *words, file=worker.stdin, flush=True)
        answer = worker.stdout.readline().strip()
        wait_for_the_dead()
        return answer

    yield run
    worker.stdin.close()
    assert worker.wait(30) == 0
    worker.stdout.close()


def wait_for_the_dead() -> None:
    """Return once PostgreSQL has noticed that its client is gone, and rolled back."""
    dead = "select count(*) from pg_stat_activity where application_name = %s"
    for _ in range(2_000):
        with connection.cursor() as cursor:
            cursor.execute(dead, ["dying worker"])
            if cursor.fetchone() == (0,):
                return
            cursor.execute("select pg_sleep(0.005)")
    raise AssertionError("A killed worker's connection is still there.")


def held_by(house: House) -> int:
    with organization_scope(house.organization):
        return wallet_balance(house.organization).held


def let_leases_run_out() -> None:
    now = timezone.now()
    Attempt.objects.filter(lease_until__isnull=False).update(
        lease_until=now - timedelta(seconds=1)
    )
    VoiceNode.objects.update(heartbeat_at=now)


def test_killed_while_dialing(bakery: House, node: VoiceNode, run_dying: Run) -> None:
    answer, line_count, kills = "killed", 1, 0
    campaign = make_campaign(bakery, leads=2)
    ids = {
        "campaign_id": campaign.pk,
        "organization_id": bakery.organization.pk,
    }
    while answer == "killed":
        answer = run_dying(line_count, "dial_campaign", **ids)
        with all_organizations("as the sweeper sees it"):
            claimed = Attempt.objects.filter(status=Attempt.Status.CLAIMED)
            owed = set(claimed.values_list("call_id", flat=True))
            placed = Attempt.objects.filter(status=Attempt.Status.PLACED)
            made = set(placed.values_list("call_id", flat=True))
            # A call exists exactly when its attempt says so, and its money is held.
            assert set(Call.objects.values_list("pk", flat=True)) == made
            let_leases_run_out()
        assert held_by(bakery) == len(made) * MICROCREDITS_PER_CREDIT

        tasks.reconcile_attempts()
        tasks.dial_campaign(**{name: str(value) for name, value in ids.items()})
        with all_organizations("nobody was lost or called twice"):
            numbers = list(Call.objects.live().values_list("callee_number", flat=True))
            assert sorted(numbers) == ["+31610000011", "+31610000111"]
            assert owed | made <= set(Call.objects.values_list("pk", flat=True))
            assert set(Lead.objects.values_list("status", flat=True)) == {"calling"}
            assert Attempt.objects.count() == 2
        start_over(bakery)
        kills += answer == "killed"
        line_count += STEP
    assert answer == "finished"
    assert kills > 5


def start_over(house: House) -> None:
    """End every call and make the campaign as new."""
    with all_organizations("another round"):
        for call_id in Call.objects.live().values_list("pk", flat=True):
            end_call(house, call_id, EndReason.NO_ANSWER)
        assert held_by(house) == 0
        Attempt.objects.all().delete()
        Call.objects.all().delete()
        Lead.objects.update(
            status=Lead.Status.PENDING, attempt_count=0, due_at=timezone.now()
        )
        Campaign.objects.update(status=Campaign.Status.SCHEDULED)
        VoiceNode.objects.update(heartbeat_at=timezone.now())


def test_killed_while_reporting_an_end(
    bakery: House, node: VoiceNode, run_dying: Run
) -> None:
    answer, line_count, kills = "killed", 1, 0
    campaign = make_campaign(bakery, leads=1, max_attempts=1)
    organization_id = str(bakery.organization.pk)
    while answer == "killed":
        tasks.dial_campaign(
            campaign_id=str(campaign.pk), organization_id=organization_id
        )
        with all_organizations("the only call"):
            call = Call.objects.get()
        end_call(bakery, call.pk, EndReason.NO_ANSWER)
        answer = run_dying(
            line_count,
            "finish_attempt",
            call_id=call.pk,
            organization_id=organization_id,
        )
        tasks.reconcile_attempts()
        with organization_scope(bakery.organization):
            assert Lead.objects.get().status == Lead.Status.FAILED
            assert Attempt.objects.get().outcome == "no_answer"
            assert Campaign.objects.get().status == Campaign.Status.COMPLETED
        start_over(bakery)
        kills += answer == "killed"
        line_count += STEP
    assert answer == "finished"
    assert kills > 1
    with all_organizations("the books of everybody"):
        assert reconcile_books() == []
