"""Calls that we make over SIP: what came of each, what the callee heard, and the row."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from assistants.services import create_assistant
from calls.media.caller.ear import Ear
from calls.media.g711 import G711Decoder
from calls.media.rtp_format import read_rtp
from calls.models import Call, CallEvent, PhoneNumber
from calls.node import database, reception
from calls.node.process import VoiceProcess
from calls.node.studio import Studio
from calls.services.outbound import place_call
from calls.telephony.protocol import IncomingCall
from calls.telephony.sip import opening
from calls.telephony.sip.incoming import SipIncomingLeg
from common.ids import uuid7
from config.spawn import spawn, stop
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, cost_of, wallet
from tests.calls.node.serving import has_status, is_idle, row, serving
from tests.calls.node.telephones import (
    HEARD_HZ,
    Recorder,
    callees,
    connect,
    speak,
    telephone_of,
)
from tests.calls.telephony.sip.exchange import HOST, say
from tests.calls.telephony.sip.test_dialling import full, peer
from tests.calls.telephony.sip.test_resolving import zone
from tests.calls.telephony.test_outcome_table import OUTCOMES, sip_codes
from tests.plugins.servers import free_port, program
from tests.sound import speech_share, words_in
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]

GREETING = {"hello", "how", "can", "i", "help", "you"}
REFUSALS = {
    "busy": "486 Busy Here",
    "declines": "603 Decline",
    "away": "480 Temporarily Unavailable",
    "unknown": "404 Not Found",
    "full": "503 Service Unavailable",
}
_REFUSES = """
  <label id="NAME"/>
  <send retrans="500">
    <![CDATA[
      SIP/2.0 PHRASE
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]c[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]>
  </send>
  <recv request="ACK" next="end"/>
"""


@contextmanager
def sipp_callees(folder: Path, hears_at: int) -> Iterator[int]:
    """Let sipp be called; yields its port."""
    folder.mkdir(exist_ok=True)
    refusals = "".join(
        _REFUSES.replace("NAME", name).replace("PHRASE", phrase)
        for name, phrase in REFUSALS.items()
    )
    text = (Path(__file__).parent / "callees.xml").read_text()
    text = text.replace("REFUSALS", refusals).replace("PORT", str(hears_at))
    scenario = folder / "callees.xml"
    scenario.write_text(text)
    port = free_port()
    command = [program("sipp", "sip-tester"), "-sf", str(scenario), "-nostdin"]
    command += ["-i", HOST, "-p", str(port), "-t", "u1"]
    with (folder / "sipp.log").open("wb") as log:
        process = spawn(command, death_signal=signal.SIGKILL, stdout=log)
    try:
        yield port
    finally:
        stop(process, signal.SIGKILL, within_s=5)


class RtpEar:
    """A socket to which a callee's audio is sent: what came, and when."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def samples(self) -> np.ndarray:
        """Return what has arrived by now, in the order of its numbers."""
        packets = {}
        while True:
            try:
                data = self._socket.recv(2_048)
            except BlockingIOError:
                break
            if (packet := read_rtp(data)) is not None and packet.payload_type == 8:
                packets[packet.sequence] = packet
        decoder = G711Decoder("PCMA")
        pcm = b"".join(decoder.decode(packets[n].payload) for n in sorted(packets))
        return np.frombuffer(pcm, np.int16)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def rtp_ear() -> Iterator[RtpEar]:
    ear = RtpEar()
    yield ear
    ear.close()


async def call_out(
    house: House, number: PhoneNumber, destination: str, **spec: object
) -> Call:
    """Place a call over a number's trunk; what `spec` says holds for it alone."""

    def place() -> Call:
        with organization_scope(house.organization):
            assistant = house.assistant
            if spec:
                settings = assistant.current_version.spec.model_copy(update=spec)
                assistant = create_assistant(
                    organization=house.organization, spec=settings, actor=None
                )
            return place_call(
                organization=house.organization,
                assistant=assistant,
                destination=destination,
                call_id=uuid7(),
                actor=None,
                number=number,
            )

    return await database.ask(place)


def reason_for(code: int) -> str:
    """What docs/call-outcomes.md says that a SIP status comes to."""
    for reason in OUTCOMES:
        if code in sip_codes(reason):
            return reason
    return "carrier_failed"


async def test_what_sipp_does_with_a_call_is_what_its_row_says(
    bakery: House, tmp_path: Path, rtp_ear: RtpEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered, and greeted aloud; or the status of the table, free of charge."""
    monkeypatch.setattr(reception, "RING_TIMEOUT_S", 2.0)
    ends = {"86": 486, "33": 603, "80": 480, "44": 404, "53": 503, "03": 408}
    with sipp_callees(tmp_path, rtp_ear.port) as port:
        number = await database.ask(lambda: connect(bakery, port=port))
        async with serving(studio=Studio(), capacity=20) as process:
            answered = await call_out(bakery, number, "+31205550401")
            refused = {
                code: await call_out(bakery, number, f"+312055504{end}")
                for end, code in ends.items()
            }
            for code, call in refused.items():
                ended = await has_status(call, "failed", within_s=8)
                assert ended.end_reason == reason_for(code), code
                assert ended.carrier_code == str(code)
                assert ended.error
                assert (ended.started_at, ended.billed_seconds) == (None, 0)
            await has_status(answered, "in-progress")
            await asyncio.sleep(3.5)  # for the greeting to be said
            heard = rtp_ear.samples()
            ended = await hang_up(process, answered)
            assert telephone_of(process).ports.in_use == 0
    assert speech_share(heard, HEARD_HZ) > 0.2
    assert len(words_in(heard, HEARD_HZ) & GREETING) >= 3
    first_s = np.flatnonzero(np.abs(heard) > 1_000)[0] / HEARD_HZ
    assert first_s < 1.5  # of the audio, which begins with the answer
    assert (ended.status, ended.end_reason) == ("ended", "operator_hangup")
    assert await database.ask(partial(wallet, bakery)) == FULL - cost_of(
        ended.billed_seconds
    )


async def hang_up(process: VoiceProcess, call: Call) -> Call:
    await process._reception.obey("end", call.pk, {})
    await is_idle(process)
    return await row(call.pk)


async def test_a_carrier_that_is_full_gives_way_to_its_second_server(
    bakery: House, tmp_path: Path, rtp_ear: RtpEar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name(trunk_port: int | None) -> PhoneNumber:
        number = connect(bakery, port=trunk_port)
        with organization_scope(bakery.organization):
            type(number.trunk).objects.update(host="trunk.example", port=None)
        return number

    with sipp_callees(tmp_path, rtp_ear.port) as second:
        async with peer(full) as first:
            records = {
                ("_sip._udp.trunk.example.", "SRV"): [
                    f"10 0 {first.port} one.trunk.example.",
                    f"20 0 {second} two.trunk.example.",
                ],
                ("one.trunk.example.", "A"): [HOST],
                ("two.trunk.example.", "A"): [HOST],
            }
            number = await database.ask(partial(name, 1))
            async with zone(records) as (_, resolver):
                monkeypatch.setattr(opening, "resolver_from_settings", lambda: resolver)
                async with serving() as process:
                    call = await call_out(bakery, number, "+31205550401")
                    await has_status(call, "in-progress")
                    ended = await hang_up(process, call)
            assert first.methods()[0] == "INVITE"
    assert (ended.status, ended.carrier_code) == ("ended", "")


async def test_early_media_is_no_answer_and_the_greeting_waits_for_it(
    bakery: House,
) -> None:
    before, heard = Ear(), list[Recorder]()

    async def announce(call: IncomingCall) -> None:
        leg = call.leg
        assert isinstance(leg, SipIncomingLeg)
        leg.link.hear_early(before)
        await leg.answer_early()
        await say(leg, 1.0, hz=500)
        await asyncio.sleep(1.2)
        await leg.answer()
        heard.append(Recorder(leg))
        await leg.wait_closed()

    async with callees({ANN: announce}) as port:
        number = await database.ask(lambda: connect(bakery, port=port))
        async with serving(studio=Studio()) as process:
            call = await call_out(bakery, number, ANN)
            rings = await has_status(call, "ringing")
            assert rings.started_at is None
            await has_status(call, "in-progress")
            await heard[0].hears()
            ended = await hang_up(process, call)
    assert before.heard_ms > 500  # silence, as from whoever listens
    assert before.speech_ms == 0
    assert heard[0].loud_s[0] < 1.5
    assert len(words_in(heard[0].samples, HEARD_HZ) & GREETING) >= 3
    assert ended.billed_seconds == -(-ended.duration_ms // 1_000)


ANN, BEN, CAS = "+31205550411", "+31205550412", "+31205550413"
MACHINE = (
    "You have reached the voicemail of Ann. Please leave a message after the beep."
)
OFFICE = "Good morning, this is the office of Smith and partners in Amsterdam."
MESSAGE = "Please call us back tomorrow."
MESSAGE_WORDS = {"please", "call", "us", "back", "tomorrow"}


async def test_a_machine_is_left_the_message_and_the_owner_chooses_when_it_is_not_sure(
    bakery: House, tmp_path: Path
) -> None:
    """The message is heard after the beep, or once the line has been still for long."""
    recorders: dict[str, Recorder] = {}
    said_s: dict[str, float] = {}

    async def machine(call: IncomingCall) -> None:
        await answer_with(call, MACHINE, beep_hz=1_000)

    async def office(call: IncomingCall) -> None:
        await answer_with(call, OFFICE)

    async def answer_with(call: IncomingCall, words: str, beep_hz: int = 0) -> None:
        await call.leg.answer()
        recorders[call.called] = Recorder(call.leg)
        said_s[call.called] = await speak(call.leg, tmp_path, words, beep_hz=beep_hz)
        await call.leg.wait_closed()

    async with callees({ANN: machine, BEN: office, CAS: office}) as port:
        number = await database.ask(
            lambda: connect(bakery, port=port, voicemail_message=MESSAGE)
        )
        async with serving(studio=Studio()) as process:
            calls = {
                callee: await call_out(
                    bakery, number, callee, voicemail_when_unsure=policy
                )
                for callee, policy in (
                    (ANN, "talk"),
                    (BEN, "leave_message"),
                    (CAS, "talk"),
                )
            }
            for callee in (ANN, BEN):
                await has_status(calls[callee], "ended", within_s=25)
            assert (await row(calls[CAS].pk)).status == "in-progress"
            ended = {CAS: await hang_up(process, calls[CAS])}
    for callee in (ANN, BEN):
        call = await row(calls[callee].pk)
        assert call.end_reason == "voicemail"
        recorder, over_s = recorders[callee], said_s[callee]
        loud_s = recorder.loud_s
        message_s = loud_s[loud_s > over_s - 0.2]
        assert message_s[0] > over_s  # not into the greeting or the beep
        message = recorder.samples[int(over_s * HEARD_HZ) :]
        assert speech_share(message, HEARD_HZ) > 0.2
        assert len(words_in(message, HEARD_HZ) & MESSAGE_WORDS) >= 2
    assert ended[CAS].end_reason == "operator_hangup"
    found = {
        callee: await database.ask(partial(answered_by, calls[callee]))
        for callee in calls
    }
    assert found == {ANN: "machine", BEN: "unsure", CAS: "unsure"}


def answered_by(call: Call) -> str:
    with all_organizations("test"):
        event = CallEvent.objects.get(call=call, kind="answered_by")
    return str(event.data["by"])
