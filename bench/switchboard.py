"""A voice process of the bench's own, and telephones that call it over SIP and listen."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self
from unittest import mock
from uuid import uuid4

import numpy as np

from bench.processes import ROOT
from calls.media.rtp_ports import RtpPorts
from calls.permitted import ANYWHERE
from calls.telephony.protocol import PlaceRequest, TrunkConfig
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening
from config.spawn import spawn, stop

START_S, WAIT_S = 120.0, 20.0
LOUD = 500.0  # of s16; a voice is, a line at rest is not
NUMBER = "+31201234599"


class Ear:
    """What one telephone hears, as far as it is loud or not."""

    def __init__(self) -> None:
        self.last_loud_s = 0.0
        self._loud = asyncio.Event()

    def hear(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        samples = np.frombuffer(pcm, np.int16).astype(np.float32)
        if samples.size and float(np.sqrt(np.mean(samples**2))) > LOUD:
            self.last_loud_s = time.monotonic()
            self._loud.set()

    async def hears(self) -> None:
        """Wait for the next sound."""
        self._loud.clear()
        await self._loud.wait()

    async def is_still(self, for_s: float) -> None:
        """Wait until nothing has been heard for so long."""
        loop = asyncio.get_running_loop()
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            self._loud.clear()
            try:
                async with asyncio.timeout_at(loop.time() + for_s):
                    await self._loud.wait()
            except TimeoutError:
                return
        raise RuntimeError("The line does not fall silent.")


@dataclass
class Phone:
    """One call as its telephone has it, and the row that is it here."""

    leg: Any
    ear: Ear
    keys: asyncio.Queue[str]
    row: Any


class Switchboard:
    """`async with` it: inside, `call` makes calls and services steer them."""

    control: ModuleType

    async def __aenter__(self) -> Self:
        from calls.services import control

        self.control = control
        self._carrier = SipCarrier(
            Listening("127.0.0.1", 0),
            RtpPorts(31_000, 31_999),
            resolver=Resolver(permitted=ANYWHERE),
        )
        await self._carrier.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        await self.do(self._furnish)
        self._voice = spawn(
            [sys.executable, "manage.py", "voice"],
            death_signal=signal.SIGTERM,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            env=os.environ
            | {
                "SIP_HOST": "127.0.0.1",
                "SIP_PORT": str(port),
                "RTP_FIRST_PORT": "30000",
                "RTP_LAST_PORT": "30999",
                "VOICE_CAPACITY": "20",
                "DJANGO_SETTINGS_MODULE": "config.settings",
            },
        )
        settings = {"host": "127.0.0.1", "port": port, "options_every_s": 0}
        self._trunk = TrunkConfig(
            uuid4(), "sip", settings=settings | {"codecs": "PCMA"}
        )
        await self._carrier.configure([self._trunk])
        await self._until(self._is_ready, START_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._carrier.aclose()
        await asyncio.to_thread(stop, self._voice, signal.SIGTERM, within_s=30)

    async def do(self, work: Callable[[], Any]) -> Any:
        """Run a service as a page's thread does, for the bench's organization."""
        from calls.node import database
        from portal.scope import organization_scope

        def scoped() -> Any:
            if not hasattr(self, "house"):
                return work()
            with organization_scope(self.house.organization):
                return work()

        return await database.ask(scoped)

    async def timed(
        self, work: Callable[[], Any], happens: Callable[[], Awaitable[Any]]
    ) -> float:
        """Return the milliseconds from giving a command to what comes of it.

        It waits `WAIT_S` at most: what nothing came of took so long.
        """
        waiting = asyncio.ensure_future(happens())
        await asyncio.sleep(0)  # it waits from here on
        began_s = time.monotonic()
        await self.do(work)
        with suppress(TimeoutError):
            await asyncio.wait_for(waiting, WAIT_S)
        took_ms: float = (time.monotonic() - began_s) * 1000
        return took_ms

    async def call(self) -> Phone:
        """Call the assistant from a number nobody has, and wait until it listens."""
        caller = f"+3197012{uuid4().int % 100_000:05d}"
        leg = await self._carrier.place(
            PlaceRequest(uuid4(), caller, NUMBER, 20, self._trunk.id)
        )
        await leg.wait_answered()
        ear, keys = Ear(), asyncio.Queue[str]()
        leg.set_taps(caller=ear.hear, assistant=None)
        leg.set_digit_listener(keys.put_nowait)
        row = await self._until(lambda: self._row(caller), WAIT_S)
        await asyncio.sleep(0.3)  # the session begins
        return Phone(leg, ear, keys, row)

    def halt(self, *, is_told: bool) -> None:
        """Stop everybody's calls; not told, processes find it in the rows alone."""
        from calls import bus
        from calls.services.halting import halt_calls

        if is_told:
            halt_calls(organization=None, reason="bench", actor=None)
            return
        with mock.patch.object(bus, "tell_node"):
            halt_calls(organization=None, reason="bench", actor=None)

    def lift(self) -> None:
        from calls.services.halting import lift_halt

        lift_halt(organization=None, actor=None)

    def _furnish(self) -> None:
        from assistants.services import save_assistant
        from calls.models import PhoneNumber
        from calls.services.trunks import add_trunk
        from portal.models import Organization
        from portal.scope import organization_scope
        from tests import world

        house = world.open_house("bench", "bench", NUMBER)
        with organization_scope(house.organization):
            Organization.objects.update(max_concurrent_calls=100)
            save_assistant(
                assistant=house.assistant,
                spec=world.desk_spec(first_message=""),
                actor=None,
            )
            trunk = add_trunk(
                organization=house.organization,
                values={
                    "name": "Bench",
                    "host": "127.0.0.1",
                    "inbound_addresses": ["127.0.0.1"],
                    "max_channels": 20,
                    "calls_per_second": 50,
                },
                actor=None,
            )
            PhoneNumber.objects.update(trunk=trunk, carrier="sip")
        self.house = house

    def _is_ready(self) -> bool:
        from calls.models import VoiceNode

        return VoiceNode.objects.exists()

    def _row(self, caller: str) -> Any:
        from calls.models import Call

        return Call.objects.filter(
            caller_number=caller, status=Call.Status.IN_PROGRESS
        ).first()

    async def _until(self, condition: Callable[[], Any], within_s: float) -> Any:
        until_s = time.monotonic() + within_s
        while not (found := await self.do(condition)):
            if time.monotonic() > until_s:
                raise RuntimeError(f"Not within {within_s:g} s: {condition.__name__}.")
            await asyncio.sleep(0.05)
        return found
