"""Credits that run out in a call: a spoken notice, a clean end, never below zero."""

from __future__ import annotations

import pytest

from billing.grants import grant_credits
from calls.models import VoiceNode
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import organization_scope
from tests.calls.node.held import (
    FULL,
    HeldCall,
    cost_of,
    leave_in_wallet,
    order_for,
    wallet,
)
from tests.calls.session.conversation import make_spec
from tests.fakes.script import Script, Voice, script
from tests.world import House

pytestmark = pytest.mark.usefixtures("inline_database")
SPEC = make_spec("Hello.")


def start(house: House, node: VoiceNode, talk: Script | None = None) -> HeldCall:
    return HeldCall(order_for(house, node), talk or Script(), spec=SPEC)


def top_up(house: House, credits: int) -> None:
    with organization_scope(house.organization):
        grant_credits(
            organization=house.organization,
            amount_microcredits=credits * MICROCREDITS_PER_CREDIT,
            idempotency_key=f"top up {house.organization.pk}",
            memo="Top-up",
            actor=None,
        )


@pytest.mark.parametrize("seconds", [10, 35, 60, 100])
def test_an_empty_wallet_ends_the_call_in_time_and_says_so(
    bakery: House, acme: House, node: VoiceNode, seconds: int
) -> None:
    leave_in_wallet(bakery, cost_of(seconds))
    held = start(bakery, node)
    call = held.run()
    assert (call.status, call.end_reason) == ("ended", "insufficient_credits")
    speaker, notice = held.turns()[-1]
    assert speaker == "assistant"
    assert notice.startswith("The credits for this call are used up")
    assert seconds - 8 <= call.billed_seconds <= seconds
    left = cost_of(seconds) - cost_of(call.billed_seconds)
    assert wallet(bakery) == left
    assert left >= 0
    assert wallet(acme) == FULL - cost_of(call.billed_seconds)


def test_a_notice_that_takes_too_long_is_cut_when_the_credits_are_gone(
    bakery: House, node: VoiceNode
) -> None:
    leave_in_wallet(bakery, cost_of(20))
    call = start(bakery, node, script(voice=Voice(word_s=2.0))).run()
    assert call.end_reason == "insufficient_credits"
    assert call.billed_seconds == 20
    assert wallet(bakery) == 0


def test_an_agencys_empty_pool_ends_its_clients_call(
    bakery: House, acme: House, node: VoiceNode
) -> None:
    leave_in_wallet(acme, cost_of(70))
    call = start(bakery, node).run()
    assert (call.status, call.end_reason) == ("ended", "insufficient_credits")
    assert 62 <= call.billed_seconds <= 70
    assert wallet(acme) == cost_of(70) - cost_of(call.billed_seconds)
    assert wallet(bakery) == FULL - cost_of(call.billed_seconds)


def test_an_agencys_own_call_ends_with_its_pool(acme: House, node: VoiceNode) -> None:
    leave_in_wallet(acme, cost_of(30))
    call = start(acme, node).run()
    assert call.end_reason == "insufficient_credits"
    assert wallet(acme) == cost_of(30) - call.cost_microcredits >= 0


@pytest.mark.slow
@pytest.mark.parametrize("at_s", [5, 40, 51])
def test_a_top_up_in_time_lets_the_call_go_on(
    bakery: House, node: VoiceNode, at_s: int
) -> None:
    leave_in_wallet(bakery, cost_of(60))

    async def pay(held: HeldCall) -> None:
        await held.at(at_s)
        top_up(bakery, 10)

    held = start(bakery, node)
    held.link.ends_at_s = 150
    call = held.run(pay)
    assert call.end_reason == "user_hangup"
    assert 149 <= call.billed_seconds <= 151
    assert wallet(bakery) == cost_of(60) + 10_000_000 - cost_of(call.billed_seconds)


@pytest.mark.slow
def test_a_long_call_is_held_for_as_it_goes(bakery: House, node: VoiceNode) -> None:
    held = start(bakery, node)
    held.link.ends_at_s = 300
    available = []

    async def watch(held: HeldCall) -> None:
        from billing.ledger import wallet_balance

        for at_s in (10, 130, 250):
            await held.at(at_s)
            with organization_scope(bakery.organization):
                available.append(FULL - wallet_balance(bakery.organization).available)

    call = held.run(watch)
    assert call.billed_seconds in (300, 301)
    # held in advance: at least what was spoken, at most a minute and a half more
    for at_s, held_now in zip((10, 130, 250), available, strict=True):
        assert cost_of(at_s) < held_now <= cost_of(at_s + 90)
