"""Two workers at once, on real connections: nobody is called twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing, reconciling, tasks
from campaigns.models import Attempt, Campaign, Lead, SuppressionEntry
from campaigns.suppressing import suppress_numbers
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import end_call, make_campaign, rows
from tests.world import House

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def at_once(*jobs: Callable[[], object]) -> None:
    """Run jobs in threads that start together; raise what one raised."""
    barrier = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def tick(campaign: Campaign) -> Callable[[], None]:
    return lambda: tasks.dial_campaign(
        campaign_id=str(campaign.pk), organization_id=str(campaign.organization_id)
    )


def test_each_lead_is_dialled_once_and_the_limit_holds(
    bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=12, max_concurrent_calls=5)
    for _ in range(6):
        at_once(tick(campaign), tick(campaign), tick(campaign))
        with all_organizations("looking at the outcome"):
            live = list(Call.objects.live())
            assert len(live) <= 5
            assert Attempt.objects.open().count() == len(live)
        for call in live:
            end_call(bakery, call.pk, EndReason.USER_HANGUP, answered=True)
        at_once(tasks.reconcile_attempts, tasks.reconcile_attempts)
    with all_organizations("looking at the outcome"):
        dialled = Counter(Call.objects.values_list("callee_number", flat=True))
        assert dialled == Counter(row.phone_number for row in rows(12))
        assert Attempt.objects.count() == 12
        campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.COMPLETED


def test_campaigns_side_by_side_keep_the_organizations_limit(
    bakery: House, node: VoiceNode
) -> None:
    with all_organizations("a smaller line"):
        Organization.objects.update(max_concurrent_calls=4)
    campaigns = [
        make_campaign(bakery, leads=10, max_concurrent_calls=10, name=f"No. {n}")
        for n in range(3)
    ]
    at_once(*(tick(campaign) for campaign in campaigns))
    with all_organizations("looking at the outcome"):
        assert Call.objects.live().count() == 4
        assert Lead.objects.filter(status="calling").count() == 4
        assert Lead.objects.filter(status="pending").count() == 26


def test_a_late_worker_and_its_successor_place_one_call(
    bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=4, max_concurrent_calls=4)
    with organization_scope(bakery.organization):
        attempts = dialing.claim_leads(
            campaign_id=campaign.pk, organization=bakery.organization
        )
        Attempt.objects.update(lease_until=timezone.now())

    def late_worker() -> None:
        with organization_scope(bakery.organization):
            for one in attempts:
                dialing.dial_quietly([one])

    at_once(
        late_worker,
        reconciling.redial_late_attempts,
        reconciling.redial_late_attempts,
    )
    with all_organizations("looking at the outcome"):
        assert Call.objects.count() == 4
        assert Attempt.objects.filter(status=Attempt.Status.PLACED).count() == 4
        called = Attempt.objects.values_list("call_id", flat=True)
        assert set(called) == set(Call.objects.values_list("pk", flat=True))


def test_one_end_reported_by_many_moves_the_lead_once(
    bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=1, max_attempts=5, retry_delay_s=0)
    tick(campaign)()
    with all_organizations("the only call"):
        call = Call.objects.get()
    end_call(bakery, call.pk, EndReason.BUSY)

    def report() -> None:
        tasks.finish_attempt(
            call_id=str(call.pk), organization_id=str(bakery.organization.pk)
        )

    at_once(report, report, report, tasks.reconcile_attempts)
    with all_organizations("looking at the outcome"):
        lead = Lead.objects.get()
        assert (lead.status, lead.attempt_count) == ("pending", 1)
        assert Attempt.objects.count() == 1


def test_a_dial_that_read_the_lists_before_an_entry_is_ended_by_it(
    bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=1)
    with organization_scope(bakery.organization):
        (attempt,) = dialing.claim_leads(
            campaign_id=campaign.pk, organization=bakery.organization
        )

    def dial() -> None:
        dialing.dial_attempt(attempt_id=attempt)

    def suppress() -> None:
        suppress_numbers(
            organization=bakery.organization,
            numbers=[rows(1)[0].phone_number],
            source=SuppressionEntry.Source.API,
            actor=None,
        )

    def run(job: Callable[[], object]) -> None:
        with organization_scope(bakery.organization):
            job()
        connection.close()

    dialing_thread, suppressing_thread = (
        threading.Thread(target=run, args=(job,)) for job in (dial, suppress)
    )
    # The dial has read the lists and waits for this row; then comes the entry.
    with all_organizations("holding the row"), transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(
            pk=bakery.organization.pk
        )
        dialing_thread.start()
        wait_for_waiting(1)
        suppressing_thread.start()
        wait_for_waiting(2)
    dialing_thread.join(30)
    suppressing_thread.join(30)
    with all_organizations("looking at the outcome"):
        assert Call.objects.get().stop_reason == EndReason.OPERATOR_HANGUP


def wait_for_waiting(count: int) -> None:
    """Return once so many connections wait for a row that another one holds."""
    until = time.monotonic() + 20
    waiting = 0
    while waiting < count:
        assert time.monotonic() < until, waiting
        with connection.cursor() as cursor:
            # What a transaction has seen of others' activity it would see again.
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                " and datname = current_database()"
            )
            waiting = cursor.fetchone()[0]
        time.sleep(0.02)
