"""Campaigns of unequal weights share a trunk's starts as their weights say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from calls.models import TrunkPace, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing
from campaigns.models import Attempt
from campaigns.services import change_campaign
from portal.models import Organization
from portal.scope import all_organizations
from tests.campaigns.builders import end_call, make_campaign
from tests.world import House

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_two_campaigns_on_one_trunk_start_calls_by_weight_and_keep_its_rate(
    in_bakery: House, node: VoiceNode
) -> None:
    with all_organizations("a client with lines to spare"):
        Organization.objects.update(max_concurrent_calls=100)
    TrunkPace.objects.create(trunk=in_bakery.number.carrier, starts_per_s=2)
    heavy, light = (
        make_campaign(in_bakery, leads=80, name=name, max_concurrent_calls=50)
        for name in ("Heavy", "Light")
    )
    change_campaign(campaign=heavy, changes={"weight": 3}, actor=None)
    now = timezone.now()
    for second in range(20):
        with time_machine.travel(now + timedelta(seconds=second), tick=False):
            VoiceNode.objects.update(heartbeat_at=timezone.now())
            for campaign in (light, heavy):
                dialing.dial_campaign(
                    campaign_id=campaign.pk, organization=campaign.organization
                )
            for attempt in Attempt.objects.filter(status=Attempt.Status.PLACED):
                end_call(in_bakery, attempt.call_id, EndReason.USER_HANGUP)
                dialing.lifecycle.move_attempt(attempt.pk, Attempt.Status.FINISHED)
    made = Counter(Attempt.objects.values_list("lead__campaign__name", flat=True))
    starts = sorted(
        at.timestamp() for at in Attempt.objects.values_list("start_at", flat=True)
    )
    assert made["Heavy"] / made["Light"] == pytest.approx(3, rel=0.2)
    for first, third in zip(starts, starts[2:], strict=False):
        assert third - first > 0.99  # never three in one second
    assert len(starts) >= 0.95 * 2 * 20
