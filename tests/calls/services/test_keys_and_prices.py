"""Whose key a call uses decides what it costs, for the client and for its agency."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assistants.models import ProviderKey
from assistants.services import create_assistant
from billing.models import Hold, LedgerEntry, Mode
from billing.pricing import Terms, set_platform_price, set_price
from billing.reconciliation import reconcile
from calls.models import Call, VoiceNode
from calls.services.finish import Outcome, finish_call, sweep_lost_calls
from calls.services.running import CallOrder, mark_connected, pick_up, record_turn
from calls.services.web import start_web_call
from calls.session.events import EndReason, Speaker, TurnSpoken
from portal.scope import Scope, all_organizations, organization_scope
from tests.calls.services.test_costing import USAGE, spec
from tests.world import House

KEYS = ("openai", "deepgram", "elevenlabs")
REALTIME = {
    "llm_config": {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"},
    "stt_config": None,
    "tts_config": None,
}


@pytest.fixture
def prices(acme: House) -> None:
    """Own keys 2 and 1 credits a minute, keys of the platform 4 and 3, realtime 8, 6."""
    long_ago = timezone.now() - timedelta(days=1)
    each = {Mode.OWN_KEY: (2, 1), Mode.PLATFORM_KEY: (4, 3), Mode.REALTIME: (8, 6)}
    for mode, (client, pool) in each.items():
        percent = 0 if mode is Mode.REALTIME else 100
        terms = Terms(client * 10**6, mode=mode, model_cost_percent=percent)
        with organization_scope(acme.organization):
            set_price(
                agency=acme.organization,
                client=None,
                microcredits_per_minute=terms.microcredits_per_minute,
                effective_at=long_ago,
                actor=None,
                terms=terms,
            )
        set_platform_price(
            agency=None,
            terms=Terms(pool * 10**6, mode=mode, model_cost_percent=percent),
            effective_at=long_ago,
            actor=None,
        )


def keep_keys(house: House, *, is_shared: bool = False) -> None:
    with organization_scope(house.organization):
        for provider in KEYS:
            ProviderKey.objects.create(
                organization=house.organization,
                provider=provider,
                secret=f"sk-{provider}",
                is_shared=is_shared,
                checked_at=timezone.now(),
            )


def begin(house: House, node: VoiceNode, **changes: Any) -> CallOrder:
    with organization_scope(house.organization):
        assistant = create_assistant(
            organization=house.organization, spec=spec(**changes), actor=None
        )
        started = start_web_call(
            organization=house.organization, assistant=assistant, actor=None
        )
    order = pick_up(call_id=started.call.pk, node_id=node.pk)
    assert order is not None
    mark_connected(order=order, setup_ms=100)
    return order


def minute(house: House, node: VoiceNode, **changes: Any) -> tuple[int, int, int, int]:
    """Return what a minute cost: the client's time and models, the pool's."""
    order = begin(house, node, **changes)
    finish_call(
        call_id=order.call_id,
        scope=Scope(order.agency_id, order.organization_id),
        outcome=Outcome(EndReason.USER_HANGUP, duration_ms=60_000, usage=USAGE),
    )
    return paid_for(order)


def paid_for(order: CallOrder) -> tuple[int, int, int, int]:
    with all_organizations("both payers are looked at"):
        holds = {
            h.organization_id: h for h in Hold.objects.filter(source_id=order.call_id)
        }
    paid = []
    for payer in (order.organization_id, order.agency_id):
        hold = holds[payer]
        models = hold.settled_model_microcredits
        paid += [hold.settled_microcredits - models, models]
    return (paid[0], paid[1], paid[2], paid[3])


@pytest.mark.usefixtures("prices")
def test_on_the_platforms_keys_both_pay_its_price_and_the_models(
    bakery: House, node: VoiceNode
) -> None:
    time, models, pool_time, pool_models = minute(bakery, node)
    assert (time, pool_time) == (4_000_000, 3_000_000)
    assert models == pool_models > 132_143
    assert reconcile() == []


@pytest.mark.usefixtures("prices")
def test_on_the_clients_own_keys_nobody_pays_us_for_models(
    bakery: House, node: VoiceNode
) -> None:
    keep_keys(bakery)
    assert minute(bakery, node) == (2_000_000, 0, 1_000_000, 0)


@pytest.mark.usefixtures("prices")
def test_on_the_agencys_keys_the_client_pays_the_agency_for_models(
    acme: House, bakery: House, node: VoiceNode
) -> None:
    keep_keys(acme, is_shared=True)
    time, models, pool_time, pool_models = minute(bakery, node)
    assert (time, pool_time, pool_models) == (4_000_000, 1_000_000, 0)
    assert models > 132_143


@pytest.mark.usefixtures("prices")
def test_a_realtime_minute_is_all_in(bakery: House, node: VoiceNode) -> None:
    assert minute(bakery, node, **REALTIME) == (8_000_000, 0, 6_000_000, 0)


@pytest.mark.usefixtures("prices")
def test_a_lost_call_pays_for_the_models_it_is_known_to_have_used(
    bakery: House, node: VoiceNode
) -> None:
    order = begin(bakery, node)
    turn = TurnSpoken(Speaker.ASSISTANT, "Hello.", started_ms=0, ended_ms=900)
    record_turn(order=order, index=0, turn=turn, usage=USAGE)
    with all_organizations("the voice process died half a minute in"):
        now = timezone.now()
        Call.objects.filter(pk=order.call_id).update(
            started_at=now - timedelta(seconds=60),
            heartbeat_at=now - timedelta(seconds=30),
            lease_until=now - timedelta(seconds=20),
        )
    assert sweep_lost_calls() == 1
    time, models, pool_time, pool_models = paid_for(order)
    assert (time, pool_time) == (2_000_000, 1_500_000)
    assert models == pool_models > 132_143
    with organization_scope(bakery.organization):
        call = Call.objects.get(pk=order.call_id)
        entry = LedgerEntry.objects.get(kind="settle", source_id=order.call_id)
    assert (call.end_reason, call.usage) == ("voice_process_lost", USAGE)
    assert entry.details["model_microcredits"] == models
    assert reconcile() == []
