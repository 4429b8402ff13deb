"""What people ask for in a call: not to be called again, or to be called later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from calls.models import Call, CallWish, VoiceNode
from calls.services import wishes as asking
from calls.services.running import CallOrder
from calls.session.events import EndReason
from calls.session.local_time import UnclearTime, moment_meant
from campaigns import dialing, tasks, wishes
from campaigns.models import Attempt, Lead, SuppressionEntry
from portal.scope import all_organizations
from tests.campaigns.builders import end_call, make_campaign
from tests.world import House, desk_spec

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
THURSDAY_NOON = datetime(2026, 11, 26, 11, tzinfo=UTC)
Kind, Way = CallWish.Kind, CallWish.Way


def order_of(call: Call) -> CallOrder:
    return CallOrder(
        call_id=call.pk,
        organization_id=call.organization_id,
        agency_id=call.agency_id,
        direction=call.direction,
        carrier=call.carrier,
        caller_number=call.caller_number,
        callee_number=call.callee_number,
        spec=desk_spec(),
        person_zone=call.metadata["person_zone"],
    )


def one_call(house: House, **fields: Any) -> Call:
    campaign = make_campaign(house, leads=1, **fields)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    return Call.objects.get()


@pytest.mark.parametrize(
    ("said", "local"),
    [
        ("2026-11-27T10:00", "2026-11-27 10:00"),
        ("2026-11-27T10:00:00+00:00", "2026-11-27 11:00"),
        ("tomorrow at ten", "2026-11-27 10:00"),
        ("Tomorrow 10:00", "2026-11-27 10:00"),
        ("the day after tomorrow at half past two", "2026-11-28 02:30"),
        ("friday at 3 pm", "2026-11-27 15:00"),
        ("thursday at nine in the morning", "2026-12-03 09:00"),
        ("at one", "2026-11-26 13:00"),
        ("today at 4 in the afternoon", "2026-11-26 16:00"),
        ("at eleven", "2026-11-26 23:00"),
        ("tomorrow at 12 am", "2026-11-27 00:00"),
        ("in two hours", "2026-11-26 14:00"),
        ("in an hour", "2026-11-26 13:00"),
        ("in 3 days", "2026-11-29 12:00"),
        ("9 am", "2026-11-27 09:00"),
    ],
)
def test_a_time_is_read_on_the_clock_at_the_persons_place(
    said: str, local: str
) -> None:
    meant = moment_meant(said, zone=AMSTERDAM, now=THURSDAY_NOON)
    assert f"{meant.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}" == local


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("", "at what time"),
        ("some day", "at what time"),
        ("2026-11-26T11:00", "has passed"),
        ("today at 9:00", "has passed"),
        ("2027-11-26T11:00", "too far"),
        ("tomorrow at 25:00", "no such time"),
    ],
)
def test_a_time_that_is_unclear_is_asked_for_again(said: str, says: str) -> None:
    with pytest.raises(UnclearTime, match=says):
        moment_meant(said, zone=AMSTERDAM, now=THURSDAY_NOON)


@pytest.mark.django_db
def test_who_says_stop_is_on_the_list_at_once(
    in_bakery: House, node: VoiceNode
) -> None:
    call = one_call(in_bakery)
    second = make_campaign(in_bakery, leads=1, name="Later")
    asking.record_wish(order=order_of(call), kind=Kind.DO_NOT_CALL, way=Way.SPEECH)
    assert wishes.apply_wishes(call_id=call.pk) == 1
    assert wishes.apply_wishes(call_id=call.pk) == 0
    entry = SuppressionEntry.objects.get()
    assert (entry.phone_number, entry.source) == (call.callee_number, "speech")
    assert entry.call_id == call.pk
    assert Lead.objects.get(campaign=second).skip_reason == "suppressed"


@pytest.mark.django_db
def test_a_callback_is_kept_for_the_end_of_the_call(
    in_bakery: House, node: VoiceNode
) -> None:
    call = one_call(in_bakery)
    tomorrow = timezone.now() + timedelta(days=1)
    asking.record_wish(
        order=order_of(call), kind=Kind.CALL_BACK, way=Way.SPEECH, call_back_at=tomorrow
    )
    wishes.apply_wishes(call_id=call.pk)
    assert Lead.objects.get().status == "calling"
    end_call(in_bakery, call.pk, EndReason.ASSISTANT_HANGUP, answered=True)
    tasks.finish_attempt(
        call_id=str(call.pk), organization_id=str(call.organization_id)
    )
    lead = Lead.objects.get()
    assert (lead.status, lead.due_at, lead.last_outcome) == (
        "pending",
        tomorrow,
        "answered",
    )


@pytest.mark.django_db
def test_a_callback_that_is_heard_of_late_reopens_the_lead(
    in_bakery: House, node: VoiceNode
) -> None:
    call = one_call(in_bakery, max_attempts=2)
    other = Lead.objects.get()
    Lead.objects.create(
        organization=other.organization,
        campaign=other.campaign,
        phone_number="+31612345678",
        due_at=timezone.now() + timedelta(days=3),
    )
    end_call(in_bakery, call.pk, EndReason.ASSISTANT_HANGUP, answered=True)
    tasks.finish_attempt(
        call_id=str(call.pk), organization_id=str(call.organization_id)
    )
    assert Attempt.objects.get().status == "finished"
    tomorrow = timezone.now() + timedelta(days=1)
    asking.record_wish(
        order=order_of(call), kind=Kind.CALL_BACK, way=Way.SPEECH, call_back_at=tomorrow
    )
    with all_organizations("as the sweeper"):
        assert wishes.apply_left_wishes() == 1
    lead = Lead.objects.get(pk=other.pk)
    assert (lead.status, lead.due_at) == ("pending", tomorrow)
