"""Starting a browser call: credits held, place reserved, token once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistants.services import delete_assistant, set_active
from billing.errors import NotEnoughCredits
from billing.holds import settle_call
from billing.ledger import wallet_balance
from billing.tariff import CallPrice, Tariff
from calls.errors import (
    AssistantNotReady,
    BadCallToken,
    NoCapacity,
    OrganizationSuspended,
    TooManyCalls,
)
from calls.models import Call, VoiceNode
from calls.services.web import StartedWebCall, start_web_call, take_seat
from common.ids import uuid7
from common.money import MICROCREDITS_PER_CREDIT
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.world import CREDITS, House


def start(house: House) -> StartedWebCall:
    with organization_scope(house.organization):
        return start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        )


def available(house: House) -> int:
    with organization_scope(house.organization):
        return wallet_balance(house.organization).available


def call_count(house: House) -> int:
    with organization_scope(house.organization):
        return Call.objects.count()


FULL = CREDITS * MICROCREDITS_PER_CREDIT
MINUTE = MICROCREDITS_PER_CREDIT


def test_a_started_call_holds_a_minute_and_a_place(
    bakery: House, acme: House, node: VoiceNode
) -> None:
    started = start(bakery)
    assert started.call.status == Call.Status.CONNECTING
    assert started.call.node == node
    assert started.call.version == bakery.assistant.current_version
    assert available(bakery) == FULL - MINUTE
    assert available(acme) == FULL - MINUTE


def test_with_no_voice_process_nothing_is_held(bakery: House) -> None:
    with pytest.raises(NoCapacity):
        start(bakery)
    assert available(bakery) == FULL
    assert call_count(bakery) == 0


def test_a_stale_or_draining_voice_process_gets_no_call(
    bakery: House, node: VoiceNode
) -> None:
    VoiceNode.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=7))
    with pytest.raises(NoCapacity):
        start(bakery)
    VoiceNode.objects.update(heartbeat_at=timezone.now(), is_draining=True)
    with pytest.raises(NoCapacity):
        start(bakery)
    assert call_count(bakery) == 0


def test_a_full_voice_process_gets_no_call(bakery: House, node: VoiceNode) -> None:
    VoiceNode.objects.update(capacity=1)
    start(bakery)
    with pytest.raises(NoCapacity):
        start(bakery)
    assert call_count(bakery) == 1


def test_the_least_loaded_voice_process_gets_the_call(
    bakery: House, node: VoiceNode
) -> None:
    other = VoiceNode.objects.create(
        host="other", pid=2, capacity=10, heartbeat_at=timezone.now()
    )
    assert {start(bakery).call.node_id, start(bakery).call.node_id} == {
        node.pk,
        other.pk,
    }


def test_an_empty_wallet_starts_nothing(
    bakery: House, acme: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        from billing.holds import hold_for_call

        everything = uuid7()
        hold_for_call(
            call_id=everything,
            organization=bakery.organization,
            seconds=60,
            price=CallPrice(Tariff(FULL), Tariff(0)),
            expires_at=timezone.now() + timedelta(minutes=1),
        )
        settle_call(call_id=everything, seconds=60)
    assert available(bakery) == 0
    with pytest.raises(NotEnoughCredits):
        start(bakery)
    assert call_count(bakery) == 0
    assert available(acme) == FULL


def test_an_assistant_that_is_off_or_deleted_takes_no_call(
    bakery: House, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        set_active(assistant=bakery.assistant, is_active=False, actor=None)
        bakery.assistant.refresh_from_db()
    with pytest.raises(AssistantNotReady):
        start(bakery)
    with organization_scope(bakery.organization):
        set_active(assistant=bakery.assistant, is_active=True, actor=None)
        delete_assistant(assistant=bakery.assistant, actor=None)
        bakery.assistant.refresh_from_db()
    with pytest.raises(AssistantNotReady):
        start(bakery)
    assert available(bakery) == FULL


def test_a_suspended_organization_calls_nobody(bakery: House, node: VoiceNode) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=bakery.organization.pk).update(
            status="suspended"
        )
    with pytest.raises(OrganizationSuspended):
        start(bakery)
    assert available(bakery) == FULL


def test_a_suspended_agencys_clients_call_nobody(
    bakery: House, acme: House, node: VoiceNode
) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=acme.organization.pk).update(status="suspended")
    with pytest.raises(OrganizationSuspended):
        start(bakery)
    assert available(bakery) == FULL


def test_the_organizations_own_limit_holds(bakery: House, node: VoiceNode) -> None:
    with all_organizations("test"):
        Organization.objects.filter(pk=bakery.organization.pk).update(
            max_concurrent_calls=2
        )
    start(bakery)
    start(bakery)
    with pytest.raises(TooManyCalls):
        start(bakery)
    assert call_count(bakery) == 2
    assert available(bakery) == FULL - 2 * MINUTE


def test_a_token_opens_one_seat(bakery: House, node: VoiceNode) -> None:
    started = start(bakery)
    seat = take_seat(call_id=started.call.pk, token=started.token)
    assert seat.call_id == started.call.pk
    assert seat.node_id == node.pk
    with pytest.raises(BadCallToken):
        take_seat(call_id=started.call.pk, token=started.token)


def test_a_resume_token_gives_the_seat_to_the_newest_tab(
    bakery: House, node: VoiceNode
) -> None:
    started = start(bakery)
    first = take_seat(call_id=started.call.pk, token=started.token)
    second = take_seat(call_id=started.call.pk, token=first.resume_token)
    with pytest.raises(BadCallToken):
        take_seat(call_id=started.call.pk, token=first.resume_token)
    assert take_seat(call_id=started.call.pk, token=second.resume_token)


def test_a_token_is_of_one_call_and_of_one_minute(
    bakery: House, node: VoiceNode
) -> None:
    one, two = start(bakery), start(bakery)
    with pytest.raises(BadCallToken):
        take_seat(call_id=two.call.pk, token=one.token)
    with organization_scope(bakery.organization):
        Call.objects.update(token_expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(BadCallToken):
        take_seat(call_id=one.call.pk, token=one.token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "ü" * 300])
def test_a_wrong_token_opens_nothing(
    bakery: House, node: VoiceNode, token: str
) -> None:
    started = start(bakery)
    with pytest.raises(BadCallToken):
        take_seat(call_id=started.call.pk, token=token)
