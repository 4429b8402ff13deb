"""One call held by a real `LiveCall`: a scripted caller, fake vendors, real services.

On virtual time the services run in the loop's own thread, on the test's connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from aiortc import RTCConfiguration
from django.db import connections
from django.utils import timezone

from assistants.spec import AssistantSpec
from billing.holds import hold_for_call, settle_call
from billing.ledger import wallet_balance
from billing.reconciliation import reconcile
from billing.tariff import CallPrice, Tariff
from calls.models import Call, CallEvent, Turn, VoiceNode
from calls.node.live_call import LiveCall
from calls.node.studio import Studio
from calls.services.running import CallOrder, pick_up
from calls.services.web import start_web_call
from calls.vendors.offline.mute import DeafSTT, MuteTTS
from common.ids import uuid7
from common.money import MICROCREDITS_PER_CREDIT
from portal.scope import all_organizations, organization_scope
from tests.calls.session.conversation import FakeVendors, make_spec
from tests.fakes.link import FakeLink
from tests.fakes.script import Script
from tests.fakes.stt import FakeSTT
from tests.fakes.tts import FakeTTS
from tests.virtual_time import run_virtually
from tests.world import CREDITS, House

T = TypeVar("T")
FULL = CREDITS * MICROCREDITS_PER_CREDIT


class ClosableVendors(FakeVendors):
    """The fakes as a `VendorSet`, which counts how often it was closed."""

    close_count = 0

    async def aclose(self) -> None:
        self.close_count += 1


class FakeStudio(Studio):
    """Gives every call the vendors of one script; loads nothing."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.made: list[ClosableVendors] = []

    async def start(self) -> None:
        """There is nothing to load."""

    async def aclose(self) -> None:
        """There is nothing to close."""

    async def prepare(self, spec: AssistantSpec, own_keys: Any = None) -> None:
        """There is nothing to prepare."""

    def vendors(self, spec: AssistantSpec, own_keys: Any = None) -> Any:
        self.made.append(ClosableVendors(self.script))
        return self.made[-1]

    def writing_vendors(self, spec: AssistantSpec, own_keys: Any = None) -> Any:
        vendors = ClosableVendors(self.script)
        vendors.stt, vendors.tts = DeafSTT(), MuteTTS()  # type: ignore[assignment]
        self.made.append(vendors)
        return vendors

    def announcer(self, language: str) -> Any:
        return FakeTTS(self.script)

    def yes_or_no(self, language: str) -> Any:
        return FakeSTT(self.script) if language.startswith("en") else None

    def rtc_configuration(self, call_id: UUID) -> RTCConfiguration:
        return RTCConfiguration(iceServers=[])


def on_test_connection(work: Coroutine[Any, Any, T]) -> T:
    """Run on virtual time with the test's own connection, and so in its transaction."""
    ours = connections["default"]

    async def with_ours() -> T:
        connections["default"] = ours
        return await work

    return run_virtually(with_ours())


class HeldCall:
    """A picked-up call, its link and what became of it."""

    def __init__(
        self,
        order: CallOrder,
        script: Script,
        *,
        spec: AssistantSpec | None = None,
        link: FakeLink | None = None,
        studio: FakeStudio | None = None,
        leg: Any = None,
        incoming: Any = None,
        transfer: Any = None,
    ) -> None:
        self.order = replace(order, spec=spec or make_spec())
        self.link = leg or incoming or link or FakeLink(script)
        self.studio = studio or FakeStudio(script)
        self._leg, self._incoming, self._transfer = leg, incoming, transfer

    @cached_property
    def live(self) -> LiveCall:
        """Made when first asked for: by then the clock is the virtual one."""
        return LiveCall(
            self.order,
            self.link,
            self.studio,
            leg=self._leg,
            incoming=self._incoming,
            transfer=self._transfer,
        )

    def run(self, *beside: Callable[[HeldCall], Coroutine[Any, Any, None]]) -> Call:
        """Hold the call on virtual time with something going on beside it."""

        async def scenario() -> set[asyncio.Task[Any]]:
            before = asyncio.all_tasks()
            others = [asyncio.create_task(work(self)) for work in beside]
            try:
                await self.live.run()
            finally:
                for other in others:
                    other.cancel()
                await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)
            return asyncio.all_tasks() - before

        left = on_test_connection(scenario())
        assert left == set(), "tasks outlived the call"
        return self.row()

    async def at(self, at_s: float) -> None:
        """Wait until a moment of the call."""
        await self.link.connected.wait()
        await asyncio.sleep(at_s - self.link.now_s)

    def row(self) -> Call:
        with all_organizations("test"):
            return Call.objects.get(pk=self.order.call_id)

    def turns(self) -> list[tuple[str, str]]:
        with all_organizations("test"):
            turns = Turn.objects.filter(call_id=self.order.call_id).order_by("index")
            return [(turn.speaker, turn.text) for turn in turns]

    def events(self, kind: str) -> list[CallEvent]:
        with all_organizations("test"):
            return list(CallEvent.objects.filter(call_id=self.order.call_id, kind=kind))


def order_for(house: House, node: VoiceNode) -> CallOrder:
    """Start a browser call and pick it up."""
    with organization_scope(house.organization):
        call = start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    return order


def leave_in_wallet(house: House, microcredits: int) -> None:
    """Spend all but this much."""
    with organization_scope(house.organization):
        all_else = wallet_balance(house.organization).available - microcredits
        pool_price = all_else if house.organization.is_agency else 0
        call_id = uuid7()
        hold_for_call(
            call_id=call_id,
            organization=house.organization,
            seconds=60,
            price=CallPrice(Tariff(all_else), Tariff(pool_price)),
            expires_at=timezone.now() + timedelta(minutes=1),
        )
        settle_call(call_id=call_id, seconds=60)


def wallet(house: House) -> int:
    """What is available; nothing may be held, and the books must be right."""
    with organization_scope(house.organization):
        balance = wallet_balance(house.organization)
    assert balance.held == 0
    with all_organizations("test"):
        assert reconcile() == []
    return balance.available


def cost_of(seconds: int) -> int:
    """What so many seconds cost at one credit a minute."""
    return -(-seconds * MICROCREDITS_PER_CREDIT // 60)
