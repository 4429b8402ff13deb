"""A voice process with trunks to this machine, and telephones that call it and are called.

async with serving(studio=Studio()) as process:
    report = await call_in(process, number, caller)     a caller who listens
async with callees({number: acts}) as port:             people, each as they act
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from livekit import rtc

from assistants.services import create_assistant
from calls.media.caller.socket import CallReport
from calls.media.caller.talk import Conversation
from calls.models import Call, PhoneNumber
from calls.node import database
from calls.node.process import VoiceProcess
from calls.services.trunks import add_trunk
from calls.telephony.protocol import IncomingCall, Leg, RejectReason
from calls.telephony.sip.caller import Line, call_by_phone
from calls.telephony.sip.carrier import SipCarrier
from portal.scope import all_organizations, organization_scope
from tests.calls.telephony.sip.exchange import HOST, Answer, Desk, carrier, trunk
from tests.sound import read_wav, say
from tests.world import House, desk_spec

HEARD_HZ = 16_000


def connect(house: House, *, port: int | None = None, **spec: Any) -> PhoneNumber:
    """Put the house's number on a trunk to and from this machine.

    Calls out go to `port`; without one there are none. With a `spec`, an assistant of it
    answers.
    """
    with organization_scope(house.organization):
        if spec:
            house.assistant = create_assistant(
                organization=house.organization, spec=desk_spec(**spec), actor=None
            )
        line = add_trunk(
            organization=house.organization,
            values={
                "name": "Main",
                "host": HOST if port else "",
                "port": port,
                "inbound_addresses": [HOST],
                "options_every_s": 0,
                "calls_per_second": 50,
                "max_channels": 50,
            },
            actor=None,
        )
        change_number(house, trunk=line, carrier="sip", assistant=house.assistant)
        return PhoneNumber.objects.select_related("trunk").get(pk=house.number.pk)


def change_number(house: House, **values: Any) -> None:
    with organization_scope(house.organization):
        PhoneNumber.objects.filter(pk=house.number.pk).update(**values)


def telephone_of(process: VoiceProcess) -> SipCarrier:
    """Return the SIP carrier of a voice process."""
    found = process._reception._carriers.get("sip")
    assert isinstance(found, SipCarrier)
    return found


async def call_in(
    process: VoiceProcess,
    number: str,
    caller: str,
    plan: Conversation | None = None,
) -> CallReport:
    """Call a number of the process; the report has all that was heard, early or not."""
    port = telephone_of(process).agent.transports.port
    line = Line(f"{HOST}:{port}", caller, number, {"transport": "udp"})
    plan = plan or Conversation(longest_s=20, silence_after_s=0.1)
    return await call_by_phone(line, plan, keeps_audio=True)


async def call_from(caller: str) -> Call:
    """Return the row of the one call that this number made."""

    def get() -> Call:
        with all_organizations("test"):
            return Call.objects.get(caller_number=caller)

    return await database.ask(get)


def heard_of(report: CallReport) -> np.ndarray:
    return np.frombuffer(report.recording, np.int16)


class Recorder:
    """Writes down what is heard on a leg since it was answered, each piece at its time."""

    def __init__(self, leg: Leg) -> None:
        self._pieces: list[tuple[int, np.ndarray]] = []
        leg.set_taps(caller=self._take, assistant=None)

    def _take(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        self._pieces.append((offset_ms, np.frombuffer(pcm, np.int16)))

    @property
    def samples(self) -> np.ndarray:
        """What was heard, at `HEARD_HZ`."""
        if not self._pieces:
            return np.zeros(0, np.int16)
        at_ms, last = self._pieces[-1]
        whole = np.zeros(at_ms * HEARD_HZ // 1_000 + last.size, np.int16)
        for at_ms, piece in self._pieces:
            start = at_ms * HEARD_HZ // 1_000
            part = whole[start : start + piece.size]
            part[:] = piece[: part.size]
        return whole

    @property
    def loud_s(self) -> np.ndarray:
        """The seconds at which something was loud, in steps of 20 ms."""
        size = HEARD_HZ // 50
        samples = self.samples
        windows = samples[: samples.size // size * size].reshape(-1, size)
        rms = np.sqrt((windows.astype(np.float64) ** 2).mean(axis=1))
        return np.flatnonzero(rms > 300) / 50

    async def hears(self, within_s: float = 15.0) -> None:
        """Wait until somebody has spoken and has been still for a second."""
        async with asyncio.timeout(within_s):
            while True:
                await asyncio.sleep(0.1)
                loud_s = self.loud_s
                now_s = self.samples.size / HEARD_HZ
                if loud_s.size > 10 and now_s - loud_s[-1] > 1.0:
                    return

    def forget(self) -> None:
        self._pieces.clear()


async def speak(leg: Leg, folder: Path, words: str, *, beep_hz: int = 0) -> float:
    """Say words on a leg, and a tone after them; return the second at which all was said."""
    path = folder / f"{uuid4()}.wav"
    await asyncio.to_thread(say, path, (0.0, words), length_s=12, rate_hz=8_000)
    samples, rate_hz = read_wav(path)
    samples = samples[: np.flatnonzero(np.abs(samples) > 200)[-1]]
    if beep_hz:
        at_s = np.arange(rate_hz // 2) / rate_hz
        tone = (8_000 * np.sin(2 * np.pi * beep_hz * at_s)).astype(np.int16)
        samples = np.concatenate([samples, np.zeros(rate_hz // 2, np.int16), tone])
    output = leg.audio_output
    pcm = samples.tobytes()
    await output.capture_frame(rtc.AudioFrame(pcm, rate_hz, 1, samples.size))
    output.flush()
    await output.wait_for_playout()
    return leg.offset_ms / 1_000


@asynccontextmanager
async def callees(acts: Mapping[str, Answer]) -> AsyncIterator[int]:
    """Run a telephone system that acts by the number dialled; yields its port."""

    async def act(call: IncomingCall) -> None:
        if call.called not in acts:
            await call.leg.reject(RejectReason.UNKNOWN_NUMBER)
            return
        await acts[call.called](call)

    phone = carrier(Desk(act))
    await phone.configure([trunk(addresses=HOST)])
    try:
        yield phone.agent.transports.port
    finally:
        await phone.aclose()
