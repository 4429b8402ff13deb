"""When a call may start that did not come with a moment of its own."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils import timezone

from calls.models import Call, PhoneNumber, VoiceNode
from calls.services.pace import another_moment, is_wanted, line_of, take_moments
from calls.services.trunks import TrunkFull
from calls.session.events import EndReason
from portal.scope import all_organizations, organization_scope
from tests.calls.services.test_guarding import dial
from tests.calls.services.test_inbound_reserve import with_trunk
from tests.world import House


def on_trunk(house: House, calls: int) -> tuple[PhoneNumber, list[Call]]:
    number = with_trunk(house, calls_per_second=2)
    made = [dial(house) for _ in range(calls)]
    with all_organizations("test"):
        Call.objects.update(number=number, trunk=number.trunk)
    return number, made


def test_calls_of_one_trunk_get_moments_one_after_the_other(
    bakery: House, node: VoiceNode
) -> None:
    _number, made = on_trunk(bakery, 3)
    moments = [another_moment(call_id=call.pk) for call in made]
    assert all(moments)
    gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert gaps == [pytest.approx(0.52), pytest.approx(0.52)]


def test_a_call_by_hand_goes_behind_what_campaigns_have_taken(
    bakery: House, node: VoiceNode
) -> None:
    number, [call] = on_trunk(bakery, 1)
    in_a_second = timezone.now() + timedelta(seconds=1)
    with organization_scope(bakery.organization), transaction.atomic():
        taken = take_moments(line_of(number), 100, in_a_second)
    moment = another_moment(call_id=call.pk)
    assert moment is not None
    assert (moment - taken[-1]).total_seconds() == pytest.approx(0.52)
    with all_organizations("test"):
        call.refresh_from_db()
    assert call.lease_until is not None
    assert call.lease_until > moment


def test_a_trunk_that_is_taken_for_too_long_refuses(
    bakery: House, node: VoiceNode
) -> None:
    number, [call] = on_trunk(bakery, 1)
    later = timezone.now() + timedelta(seconds=6)
    with organization_scope(bakery.organization), transaction.atomic():
        take_moments(line_of(number), 100, later)
    with pytest.raises(TrunkFull):
        another_moment(call_id=call.pk)


def test_a_call_that_was_stopped_gets_no_moment(bakery: House, node: VoiceNode) -> None:
    _number, [call] = on_trunk(bakery, 1)
    assert is_wanted(call_id=call.pk)
    with all_organizations("test"):
        Call.objects.update(stop_reason=EndReason.OPERATOR_HANGUP)
    assert not is_wanted(call_id=call.pk)
    assert another_moment(call_id=call.pk) is None
