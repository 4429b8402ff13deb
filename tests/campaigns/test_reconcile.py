"""What dead workers and lost messages leave behind is found again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing, reconciling, tasks
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services import cancel_campaign
from portal.scope import all_organizations
from tests.campaigns.builders import end_call, make_campaign, states
from tests.world import House

pytestmark = pytest.mark.django_db


def claim(campaign: Campaign) -> list[Attempt]:
    claimed = dialing.claim_leads(
        campaign_id=campaign.pk, organization=campaign.organization
    )
    return list(Attempt.objects.filter(pk__in=claimed))


def test_an_attempt_whose_worker_died_is_dialled_under_the_same_call_id(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (attempt,) = claim(campaign)
    assert reconciling.redial_late_attempts() == 0  # its worker may still be at it
    with time_machine.travel(timezone.now() + dialing.LEASE + timedelta(seconds=1)):
        VoiceNode.objects.update(heartbeat_at=timezone.now())
        assert reconciling.redial_late_attempts() == 1
        assert reconciling.redial_late_attempts() == 0
    assert Call.objects.get().pk == attempt.call_id
    attempt.refresh_from_db()
    assert (attempt.status, attempt.worker_count) == (Attempt.Status.PLACED, 2)


def test_an_attempt_that_kills_its_workers_is_given_up(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1, max_attempts=1)
    (attempt,) = claim(campaign)
    Attempt.objects.update(
        lease_until=timezone.now() - timedelta(seconds=1),
        worker_count=reconciling.MAX_WORKERS,
    )
    assert reconciling.redial_late_attempts() == 1
    attempt.refresh_from_db()
    assert (attempt.status, attempt.outcome) == (Attempt.Status.FINISHED, "failed")
    assert states(campaign) == {"failed": 1}
    assert Call.objects.count() == 0


def test_an_end_nobody_told_us_of_is_reported(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    ended = Call.objects.first()
    end_call(in_bakery, ended.pk, EndReason.USER_HANGUP, answered=True)
    assert states(campaign) == {"calling": 2}
    assert reconciling.finish_ended_attempts() == 1
    assert reconciling.finish_ended_attempts() == 0
    assert states(campaign) == {"calling": 1, "completed": 1}


def test_a_call_that_was_deleted_frees_its_lead(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1, max_attempts=1)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    Call.objects.all().delete()
    assert reconciling.finish_ended_attempts() == 1
    assert states(campaign) == {"failed": 1}


def test_a_lead_put_back_during_a_cancellation_is_skipped(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    cancel_campaign(campaign=campaign, actor=None)
    Lead.objects.update(status=Lead.Status.PENDING)
    assert reconciling.skip_leads_of_cancelled_campaigns() == 2
    assert states(campaign) == {"skipped": 2}


def test_a_running_campaign_with_nobody_left_completes(in_bakery: House) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    make_campaign(in_bakery, leads=1, name="Still at it")
    Lead.objects.filter(campaign=campaign).update(status=Lead.Status.FAILED)
    assert reconciling.complete_finished_campaigns() == 1
    assert reconciling.complete_finished_campaigns() == 0
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.COMPLETED


def test_the_sweeper_serves_every_organization(
    bakery: House, garage: House, node: VoiceNode
) -> None:
    campaigns = [make_campaign(client, leads=1) for client in (bakery, garage)]
    for campaign in campaigns:
        tasks.dial_campaign(
            campaign_id=str(campaign.pk), organization_id=str(campaign.organization_id)
        )
    with all_organizations("both are looked at"):
        calls = list(Call.objects.all())
    assert len(calls) == 2
    for client, call in zip(
        (bakery, garage), sorted(calls, key=lambda c: c.pk), strict=True
    ):
        end_call(client, call.pk, EndReason.USER_HANGUP, answered=True)
    tasks.reconcile_attempts()
    with all_organizations("both are looked at"):
        assert {c.status for c in Campaign.objects.all()} == {"completed"}


def test_the_tick_sends_one_message_for_each_campaign_with_work(
    bakery: House, garage: House, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = [make_campaign(client, leads=3) for client in (bakery, garage)]
    make_campaign(bakery, leads=3, launched=False, name="Draft")
    make_campaign(bakery, leads=1, name="Later")
    with all_organizations("one campaign has nobody due"):
        Lead.objects.filter(campaign__name="Later").update(
            due_at=timezone.now() + timedelta(hours=1)
        )
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(
        tasks.dial_campaign, "apply_async", lambda kwargs, **_: sent.append(kwargs)
    )
    tasks.dial_due_leads()
    assert sorted(message["campaign_id"] for message in sent) == sorted(
        str(campaign.pk) for campaign in running
    )


def test_the_end_of_a_call_is_enqueued_when_it_is_committed(
    bakery: House,
    node: VoiceNode,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:
    campaign = make_campaign(bakery, leads=1)
    tasks.dial_campaign(
        campaign_id=str(campaign.pk), organization_id=str(campaign.organization_id)
    )
    with all_organizations("the call is the bakery's"):
        call = Call.objects.get()
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(tasks.finish_attempt, "delay", lambda **kw: sent.append(kw))
    with django_capture_on_commit_callbacks(execute=True):
        end_call(bakery, call.pk, EndReason.BUSY)
    assert sent == [
        {"call_id": str(call.pk), "organization_id": str(bakery.organization.pk)}
    ]
    tasks.finish_attempt(**sent[0])
    with all_organizations("the lead is the bakery's"):
        assert Lead.objects.get().last_outcome == "busy"
