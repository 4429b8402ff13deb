"""What a lead and its campaign become when a call has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing, reconciling
from campaigns.finishing import finish_attempt_of_call
from campaigns.models import Attempt, Campaign, Lead
from campaigns.services import (
    cancel_campaign,
    pause_campaign,
    resume_campaign,
)
from tests.campaigns.builders import end_call, make_campaign, states
from tests.world import House

pytestmark = pytest.mark.django_db


def dial(campaign: Campaign) -> list[Call]:
    """Dial what is due; return the calls that were placed, oldest first."""
    known = set(Call.objects.values_list("pk", flat=True))
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    return list(Call.objects.exclude(pk__in=known).order_by("pk"))


def end(
    client: House, call: Call, reason: EndReason, *, answered: bool = False
) -> bool:
    end_call(client, call.pk, reason, answered=answered)
    return finish_attempt_of_call(call_id=call.pk)


def test_an_answered_call_completes_the_lead_and_the_last_one_the_campaign(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=2)
    first, second = dial(campaign)
    assert end(in_bakery, first, EndReason.USER_HANGUP, answered=True)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SCHEDULED
    assert states(campaign) == {"completed": 1, "calling": 1}
    assert end(in_bakery, second, EndReason.ASSISTANT_HANGUP, answered=True)
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.COMPLETED
    assert campaign.finished_at is not None
    assert {a.outcome for a in Attempt.objects.all()} == {"answered"}


def test_the_end_is_reported_once(in_bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (call,) = dial(campaign)
    assert end(in_bakery, call, EndReason.BUSY)
    due_at = Lead.objects.get().due_at
    assert not finish_attempt_of_call(call_id=call.pk)
    assert Lead.objects.get().due_at == due_at
    assert Attempt.objects.get().outcome == "busy"


def test_a_call_that_goes_on_is_not_reported(in_bakery: House, node: VoiceNode) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (call,) = dial(campaign)
    assert not finish_attempt_of_call(call_id=call.pk)
    assert states(campaign) == {"calling": 1}


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (EndReason.BUSY, "busy"),
        (EndReason.NO_ANSWER, "no_answer"),
        (EndReason.REJECTED, "rejected"),
        (EndReason.VOICEMAIL, "voicemail"),
        (EndReason.CARRIER_FAILED, "failed"),
        (EndReason.VOICE_PROCESS_LOST, "failed"),
    ],
)
def test_a_lead_that_was_not_reached_is_due_again_after_the_delay(
    in_bakery: House, node: VoiceNode, reason: EndReason, outcome: str
) -> None:
    campaign = make_campaign(in_bakery, leads=1, retry_delay_s=600, max_attempts=2)
    (call,) = dial(campaign)
    before = timezone.now()
    assert end(in_bakery, call, reason, answered=reason is EndReason.VOICEMAIL)
    lead = Lead.objects.get()
    assert (lead.status, lead.last_outcome) == ("pending", outcome)
    assert (lead.state, lead.attempt_count) == ("retry", 1)
    waits = lead.due_at - before
    assert timedelta(seconds=600) <= waits < timedelta(seconds=605)
    assert dial(campaign) == []
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SCHEDULED


def test_the_attempt_budget_is_spent_over_all_outcomes(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1, retry_delay_s=0, max_attempts=3)
    for reason in (EndReason.BUSY, EndReason.NO_ANSWER, EndReason.REJECTED):
        (call,) = dial(campaign)
        assert end(in_bakery, call, reason)
    assert dial(campaign) == []
    lead = Lead.objects.get()
    assert (lead.status, lead.state, lead.attempt_count) == ("failed", "exhausted", 3)
    attempts = Attempt.objects.order_by("number")
    assert [(a.number, a.outcome) for a in attempts] == [
        (1, "busy"),
        (2, "no_answer"),
        (3, "rejected"),
    ]
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.COMPLETED


def test_waiting_for_a_line_does_not_spend_the_budget(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1, max_attempts=1)
    VoiceNode.objects.update(is_draining=True)
    assert dial(campaign) == []
    VoiceNode.objects.update(is_draining=False)
    with time_machine.travel(timezone.now() + timedelta(seconds=4)):
        VoiceNode.objects.update(heartbeat_at=timezone.now())
        (call,) = dial(campaign)
        assert end(in_bakery, call, EndReason.USER_HANGUP, answered=True)
    assert Lead.objects.get().attempt_count == 1


def test_pausing_keeps_running_calls_alive_and_their_ends_count(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=5, max_concurrent_calls=2)
    first, second = dial(campaign)
    assert pause_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    assert Call.objects.live().count() == 2
    assert dial(campaign) == []
    end(in_bakery, first, EndReason.USER_HANGUP, answered=True)
    end(in_bakery, second, EndReason.NO_ANSWER)
    assert states(campaign) == {"completed": 1, "pending": 4}
    assert dial(campaign) == []
    assert resume_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    assert len(dial(campaign)) == 2


def test_cancelling_skips_who_waits_and_lets_calls_end(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=4, max_concurrent_calls=2)
    first, second = dial(campaign)
    assert cancel_campaign(campaign=campaign, actor=in_bakery.people["dora"])
    assert states(campaign) == {"calling": 2, "skipped": 2}
    assert Call.objects.live().count() == 2
    end(in_bakery, first, EndReason.USER_HANGUP, answered=True)
    end(in_bakery, second, EndReason.BUSY)
    assert states(campaign) == {"completed": 1, "skipped": 3}
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.CANCELLED


def test_a_campaign_that_ended_while_paused_completes_when_resumed(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (call,) = dial(campaign)
    pause_campaign(campaign=campaign, actor=None)
    end(in_bakery, call, EndReason.USER_HANGUP, answered=True)
    assert resume_campaign(campaign=campaign, actor=None)
    assert reconciling.complete_finished_campaigns() == 1
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.COMPLETED


def test_a_call_of_no_campaign_is_nobodys_attempt(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(in_bakery, leads=1)
    (call,) = dial(campaign)
    Attempt.objects.all().delete()
    end_call(in_bakery, call.pk, EndReason.USER_HANGUP, answered=True)
    assert not finish_attempt_of_call(call_id=call.pk)
