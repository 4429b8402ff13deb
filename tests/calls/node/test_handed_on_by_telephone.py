"""Callers handed on over SIP: taken, declined, a voicemail, a network that will not help."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from assistants.spec import LLMConfig, Message
from assistants.tool_shapes import TransferCallTool
from calls.media.link import LinkEnd
from calls.models import Call, Transfer
from calls.node import database, transferring
from calls.node.process import VoiceProcess
from calls.node.studio import Studio
from calls.services import control
from calls.telephony.protocol import IncomingCall, Leg, PlaceRequest
from calls.telephony.sip.carrier import SipCarrier
from common.ids import uuid7
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, cost_of, wallet
from tests.calls.node.serving import is_idle, serving, until
from tests.calls.node.telephones import (
    HEARD_HZ,
    Recorder,
    call_from,
    callees,
    connect,
    speak,
    telephone_of,
)
from tests.calls.telephony.sip.exchange import HOST, carrier, trunk
from tests.sound import speech_share, words_in
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]

TAKES, DECLINES, MACHINE, AT_ONCE = (f"+3120555120{n}" for n in range(1, 5))
OWNER = "Good morning, this is the owner."
OWNER_WORDS = {"good", "morning", "owner"}
BRIEF = "The caller asks about bread for Sunday."
BRIEF_WORDS = {"call", "you", "bread", "sunday", "press", "take", "decline"}


def spec() -> dict[str, object]:
    """An assistant that may hand callers on to four people."""
    destinations = [
        {"number": number, "description": f"Person {number[-1]}", "mode": mode}
        for number, mode in (
            (TAKES, "warm"),
            (DECLINES, "warm"),
            (MACHINE, "warm"),
            (AT_ONCE, "blind"),
        )
    ]
    tool = TransferCallTool.model_validate({"destinations": destinations})
    return {
        "llm_config": LLMConfig(
            provider="demo",
            model="demo-1",
            messages=(Message(role="system", content="Be brief."),),
            tools=(tool,),
        )
    }


@dataclass
class Colleagues:
    """People behind the trunk: what each heard before they acted, and after."""

    folder: Path
    briefs: dict[str, np.ndarray] = field(default_factory=dict)
    heard: dict[str, Recorder] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)

    async def act(self, call: IncomingCall) -> None:
        leg, name = call.leg, call.called
        await leg.ring()
        await leg.answer()
        self.legs[name] = leg
        recorder = self.heard[name] = Recorder(leg)
        if name == MACHINE:
            await speak(leg, self.folder, "Leave a message after the tone.")
        elif name != AT_ONCE:
            await recorder.hears()
            self.briefs[name] = recorder.samples
            recorder.forget()
            await leg.send_digits("1" if name == TAKES else "2")
        if name in (TAKES, AT_ONCE):
            await speak(leg, self.folder, OWNER)
        await leg.wait_closed()


async def test_callers_are_taken_or_come_back(
    bakery: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of four callers to somebody else; the record and the bill go on throughout."""
    monkeypatch.setattr(transferring, "ACCEPT_S", 1.5)
    people = Colleagues(tmp_path)
    names = (TAKES, DECLINES, MACHINE, AT_ONCE)
    async with callees(dict.fromkeys(names, people.act)) as port:
        number = await database.ask(lambda: connect(bakery, port=port, **spec()))
        async with serving(studio=Studio(), capacity=20) as process:
            lines = await asyncio.gather(
                *(
                    Line.open(process, number.number, f"+3161234560{n}")
                    for n in range(4)
                )
            )
            by_name = dict(zip(names, lines, strict=True))
            await asyncio.gather(*(line.recorder.hears() for line in lines))
            for name, line in by_name.items():
                await line.ask_for(name)
            await asyncio.gather(*(line.settled() for line in lines))
            await asyncio.gather(
                *(speak(by_name[n].leg, tmp_path, "Hello owner.") for n in JOINED)
            )
            await asyncio.sleep(2.0)  # for whatever is said now to be heard
            for line in by_name.values():
                line.samples = line.recorder.samples
            await people.legs[TAKES].hang_up()
            assert await by_name[TAKES].leg.wait_closed() is LinkEnd.REMOTE_HANGUP
            await asyncio.gather(*(line.aclose() for line in lines))
            await is_idle(process)
            assert telephone_of(process).ports.in_use == 0
    rows = {name: await line.row() for name, line in by_name.items()}
    tries = {
        name: await database.ask(partial(transfer_of, row))
        for name, row in rows.items()
    }
    assert {
        name: (one.kind, one.method, one.status, one.reason)
        for name, one in tries.items()
        if one is not None
    } == {
        TAKES: ("warm", "bridge", "bridged", ""),
        DECLINES: ("warm", "bridge", "failed", "declined"),
        MACHINE: ("warm", "bridge", "failed", "not_accepted"),
        # The caller's network takes no REFER, so that we dialled.
        AT_ONCE: ("blind", "bridge", "bridged", ""),
    }
    for name, row in rows.items():
        is_joined = name in JOINED
        assert row.end_reason == ("transferred" if is_joined else "user_hangup"), name
        assert row.billed_seconds == -(-row.duration_ms // 1_000)
        assert abs(row.recording_ms - row.duration_ms) < 700
        assert people.legs[name].is_closed
    brief = words_in(people.briefs[TAKES], HEARD_HZ)
    assert len(brief & BRIEF_WORDS) >= 2, brief
    heard = words_in(by_name[TAKES].since_settled(), HEARD_HZ)
    assert len(heard & OWNER_WORDS) >= 2, heard
    heard_at_once = by_name[AT_ONCE].since_settled()
    spoken_s = speech_share(heard_at_once, HEARD_HZ) * heard_at_once.size / HEARD_HZ
    assert spoken_s > 0.8
    for name in JOINED:  # and the caller is heard in turn
        assert people.heard[name].loud_s.size > 20
    # Whoever came back is told by the assistant that nobody is there.
    for name in (DECLINES, MACHINE):
        after_s = by_name[name].settled_s
        assert (by_name[name].recorder.loud_s > after_s).any()
    cost = sum(cost_of(row.billed_seconds) for row in rows.values())
    assert await database.ask(partial(wallet, bakery)) == FULL - cost


JOINED = (TAKES, AT_ONCE)


def transfer_of(call: Call) -> Transfer | None:
    with all_organizations("test"):
        return Transfer.objects.filter(call=call).first()


@dataclass
class Line:
    """One caller's telephone in a call with the assistant."""

    caller: str
    phone: SipCarrier
    leg: Leg
    recorder: Recorder
    settled_s: float = 0.0
    samples: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))

    @classmethod
    async def open(cls, process: VoiceProcess, number: str, caller: str) -> Line:
        phone = carrier()
        port = telephone_of(process).agent.transports.port
        config = trunk(host=HOST, port=port, options_every_s=0, codecs="PCMA")
        await phone.configure([config])
        leg = await phone.place(PlaceRequest(uuid7(), caller, number, 10, config.id))
        await leg.wait_answered()
        return cls(caller, phone, leg, Recorder(leg))

    async def row(self) -> Call:
        return await call_from(self.caller)

    async def ask_for(self, destination: str) -> None:
        def ask(call: Call) -> None:
            with organization_scope(call.organization):
                control.transfer(
                    call=call, destination=destination, message=BRIEF, actor=None
                )

        await database.ask(partial(ask, await self.row()))

    async def settled(self) -> None:
        """Wait until the try has come to something."""

        async def is_settled() -> bool:
            found = await database.ask(partial(transfer_of, await self.row()))
            return found is not None and found.status in ("bridged", "done", "failed")

        await until(is_settled, within_s=30)
        self.settled_s = self.leg.offset_ms / 1_000

    def since_settled(self) -> np.ndarray:
        """What was heard in the ten seconds from then on."""
        start = int(self.settled_s * HEARD_HZ)
        return self.samples[start : start + 10 * HEARD_HZ]

    async def aclose(self) -> None:
        await self.leg.hang_up()
        await self.phone.aclose()
