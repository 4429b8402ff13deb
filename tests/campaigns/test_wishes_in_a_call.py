"""What people say or press in a live call of a campaign, and what it does elsewhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from calls.models import Call, CallWish, VoiceNode
from calls.services.running import CallOrder, pick_up
from campaigns import dialing, tasks, wishes
from campaigns.importing import LeadRow
from campaigns.models import Attempt, Campaign, Lead, SuppressionEntry
from campaigns.places import place_of
from portal.scope import all_organizations
from tests.calls.node.conftest import inline_database
from tests.calls.node.held import HeldCall
from tests.calls.session.conversation import make_spec
from tests.campaigns.builders import make_campaign
from tests.fakes.leg import FakeLeg
from tests.fakes.script import Script, ToolUse, answer, script, user_says
from tests.world import House

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("inline_database")]
__all__ = ["inline_database"]
PERSON = "+31612345678"


def dialled(house: House, node: VoiceNode, **fields: Any) -> tuple[Campaign, CallOrder]:
    """A campaign that calls one person; its call as a voice process picks it up."""
    person = LeadRow(PERSON, "Ann", place=place_of(PERSON, zone="America/New_York"))
    campaign = make_campaign(house, leads=[person], **fields)
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    attempt = Attempt.objects.get(lead__campaign=campaign)
    order = pick_up(call_id=attempt.call_id, node_id=node.pk)
    assert order is not None
    return campaign, order


def hold(order: CallOrder, talk: Script, *beside: Any, ends_at_s: float = 9.0) -> Call:
    leg = FakeLeg(talk, rings_s=1, ends_at_s=ends_at_s)
    spec = make_spec("Hello.", voicemail_detection=False)
    return HeldCall(order, talk, spec=spec, leg=leg).run(*beside)


def act(order: CallOrder) -> None:
    """Let workers act on what was asked for, and on the end of the call."""
    with all_organizations("as the sweeper"):
        assert wishes.apply_left_wishes() == 1
    tasks.finish_attempt(
        call_id=str(order.call_id), organization_id=str(order.organization_id)
    )


def others(house: House) -> tuple[Lead, Call]:
    """The same person once more in the queue of a campaign, and ringing in a third."""
    queued = make_campaign(house, leads=[LeadRow(PERSON)], name="Queued")
    ringing = make_campaign(house, leads=[LeadRow(PERSON)], name="Ringing")
    dialing.dial_campaign(campaign_id=ringing.pk, organization=ringing.organization)
    call_id = Attempt.objects.get(lead__campaign=ringing).call_id
    Call.objects.filter(pk=call_id).update(status="ringing")
    return Lead.objects.get(campaign=queued), Call.objects.get(pk=call_id)


@pytest.mark.parametrize("way", ["speech", "digit"])
def test_who_asks_to_be_left_alone_is_called_by_nobody_from_then_on(
    in_bakery: House, node: VoiceNode, way: str
) -> None:
    _campaign, order = dialled(in_bakery, node)
    queued, ringing = others(in_bakery)

    async def press(held: HeldCall) -> None:
        await held.at(3.0)
        held.link.digits.press("9")

    if way == "speech":
        talk = script(
            user_says("Never call me again", from_s=2.0, to_s=3.0),
            answers=[
                answer(calls=(ToolUse("do_not_call"),)),
                answer("I have noted it. Goodbye."),
            ],
        )
        call = hold(order, talk)
    else:
        call = hold(order, script(), press, ends_at_s=20)
        assert call.end_reason == "assistant_hangup"
    assert CallWish.objects.get().way == way
    act(order)
    entry = SuppressionEntry.objects.get()
    assert (entry.phone_number, entry.source) == (PERSON, way)
    assert entry.call_id == order.call_id
    queued.refresh_from_db()
    ringing.refresh_from_db()
    assert (queued.status, queued.skip_reason) == ("skipped", "suppressed")
    assert ringing.stop_reason
    again = make_campaign(in_bakery, leads=[LeadRow(PERSON)], name="Later")
    dialing.dial_campaign(campaign_id=again.pk, organization=again.organization)
    assert Lead.objects.get(campaign=again).skip_reason == "suppressed"
    assert not Attempt.objects.filter(lead__campaign=again).exists()


def test_another_key_than_the_campaigns_own_means_nothing(
    in_bakery: House, node: VoiceNode
) -> None:
    _campaign, order = dialled(in_bakery, node, more={"opt_out_digit": "5"})

    async def press(held: HeldCall) -> None:
        await held.at(3.0)
        held.link.digits.press("9")

    assert hold(order, script(), press).end_reason == "user_hangup"
    assert not CallWish.objects.exists()


def test_tomorrow_at_ten_is_ten_where_the_person_is(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign, order = dialled(in_bakery, node)
    when = json.dumps({"local_time": "tomorrow at ten"})
    talk = script(
        user_says("Call me tomorrow at ten", from_s=2.0, to_s=3.0),
        answers=[
            answer(calls=(ToolUse("schedule_callback", when),)),
            answer("I will. Until tomorrow."),
        ],
    )
    hold(order, talk)
    act(order)
    lead = Lead.objects.get(campaign=campaign)
    there = ZoneInfo("America/New_York")
    tomorrow = timezone.now().astimezone(there).date() + timedelta(days=1)
    due = lead.due_at.astimezone(there)
    assert (due.date(), due.hour, due.minute) == (tomorrow, 10, 0)
    assert (lead.status, lead.last_outcome) == ("pending", "answered")
    assert campaign.status == "scheduled"


def test_a_time_nobody_understands_is_asked_for_again_and_changes_nothing(
    in_bakery: House, node: VoiceNode
) -> None:
    campaign, order = dialled(in_bakery, node)
    when = json.dumps({"local_time": "some day"})
    talk = script(
        user_says("Call me some day", from_s=2.0, to_s=3.0),
        answers=[
            answer(calls=(ToolUse("schedule_callback", when),)),
            answer("At what time?"),
        ],
    )
    hold(order, talk)
    assert not CallWish.objects.exists()
    tasks.finish_attempt(
        call_id=str(order.call_id), organization_id=str(order.organization_id)
    )
    assert Lead.objects.get(campaign=campaign).status == "completed"
