"""A synthetic telephone over SIP and RTP: it calls, or is called, talks and listens.

The signalling is our own agent's, without trunks and without a receptionist of the
product; what is said and heard is as with the caller of `webcall`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

import numpy as np

from calls.media.caller.ear import Ear
from calls.media.caller.socket import CallReport
from calls.media.caller.talk import LATE_MS, Conversation, Heard, Mouth, Talker
from calls.media.caller.utterance import Utterance
from calls.media.link import FRAME_MS
from calls.media.output import PulledAudioOutput
from calls.media.phone_link import G711_RATE_HZ, PhoneLink
from calls.media.rtp_ports import PortPair, RtpPorts
from calls.permitted import ANYWHERE
from calls.telephony.protocol import (
    IncomingCall,
    NotAnswered,
    PlaceRequest,
    TrunkConfig,
)
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.leg import SipLeg
from calls.telephony.sip.outgoing import OutgoingLeg
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening

logger = logging.getLogger(__name__)

RING_S: Final = 30.0
_LINE_SAMPLES: Final = G711_RATE_HZ * FRAME_MS // 1000
_KERNEL: Final = np.sinc((np.arange(32) - 15.5) / 2) * np.kaiser(32, 6.0)


def line_frames(utterance: Utterance) -> tuple[bytes, ...]:
    """Return an utterance as PCM at the rate of a telephone line."""
    samples = np.frombuffer(b"".join(utterance.frames), np.int16)
    thinned = np.convolve(samples, _KERNEL / _KERNEL.sum(), "same")[::2]
    pcm = np.clip(thinned, -32_768, 32_767).astype(np.int16).tobytes()
    size = 2 * _LINE_SAMPLES
    return tuple(pcm[at : at + size] for at in range(0, len(pcm), size))


class LineMouth(Mouth):
    """Says utterances on a telephone line."""

    def say(self, utterance: Utterance) -> None:
        super().say(replace(utterance, packets=line_frames(utterance)))


class MouthOutput(PulledAudioOutput):
    """Gives a line what a mouth says, in place of a session's speech."""

    def __init__(self, mouth: Mouth) -> None:
        super().__init__(sample_rate_hz=G711_RATE_HZ, label="Synthetic telephone")
        self._mouth = mouth

    def pull(self, duration_ms: int = FRAME_MS) -> bytes | None:
        return self._mouth.next_packet() or None


class Telephone(SipCarrier):
    """A SIP carrier whose calls are spoken by a mouth; one call at a time.

    Whoever uses it says where it calls: it may call anywhere.
    """

    def __init__(self, listening: Listening, ports: RtpPorts, **more: Any) -> None:
        resolver = Resolver(permitted=ANYWHERE)
        super().__init__(listening, ports, resolver=resolver, **more)
        self.mouth = LineMouth()

    def _link(self, pair: PortPair, *, takes_opus: bool) -> PhoneLink:
        return PhoneLink(
            pair, may_reach=ANYWHERE.__contains__, output=MouthOutput(self.mouth)
        )


class PhoneTalker(Talker):
    """One call's ear and mouth."""

    def __init__(self, leg: SipLeg, mouth: Mouth, *, max_kept_ms: int = 0) -> None:
        self.ear, self.mouth = Ear(max_kept_ms=max_kept_ms), mouth
        self.first_packet_s: float | None = None
        self._leg = leg
        leg.set_taps(caller=self._hear, assistant=None)

    @property
    def is_gone(self) -> bool:
        return self._leg.is_closed

    async def press(self, keys: str) -> None:
        await self._leg.send_digits(keys)

    def heard(self) -> Heard:
        quality = self._leg.link.stream.quality
        bad = quality.lost_packets + quality.later_than(LATE_MS)
        return Heard(
            received_ms=quality.received_packets * FRAME_MS,
            speech_ms=self.ear.speech_ms,
            late_p99_ms=quality.late_ms(0.99),
            glitch_percent=round(100 * bad / max(1, quality.expected_packets), 3),
        )

    def _hear(self, pcm: bytes, rate_hz: int, offset_ms: int) -> None:
        if self.first_packet_s is None:
            self.first_packet_s = time.monotonic()
        self.ear.push(pcm)


@dataclass(frozen=True)
class Line:
    """Where to call, or where to be called, and as whom. `host:port`, E.164."""

    address: str
    caller: str
    number: str
    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


async def call_by_phone(
    line: Line, plan: Conversation, *, keeps_audio: bool = False
) -> CallReport:
    """Call a number at an address and talk; a call that fails is a report too.

    What is played before the answer (ringing, a message to whoever is turned away) is
    heard and kept as well, ahead of what is heard after it.
    """
    telephone = Telephone(Listening("0.0.0.0", 0), RtpPorts(40_000, 49_999))  # noqa: S104
    report = CallReport()
    early = Ear(max_kept_ms=int(plan.longest_s * 1000) if keeps_audio else 0)
    trunk = TrunkConfig(
        id=uuid4(),
        carrier="sip",
        settings={"host": line.address, "options_every_s": 0, "codecs": "PCMA,PCMU"}
        | line.settings,
        secrets=line.secrets,
    )
    try:
        await telephone.configure([trunk])
        started_s = time.monotonic()
        leg = await telephone.place(
            PlaceRequest(uuid4(), line.caller, line.number, RING_S, trunk.id)
        )
        leg.link.hear_early(early)
        report.answered_ms = await _answered(leg, started_s)
        await talk(leg, telephone.mouth, plan, report, started_s, keeps_audio)
    except NotAnswered as refusal:
        report.error, report.carrier_code = str(refusal), refusal.code
    except OSError as error:
        report.error = str(error)
    finally:
        await telephone.aclose()
        report.early_heard_ms, report.early_speech_ms = early.heard_ms, early.speech_ms
        report.recording = bytes(early.kept) + report.recording
    return report


async def _answered(leg: OutgoingLeg, started_s: float) -> int:
    await leg.wait_answered()
    return round((time.monotonic() - started_s) * 1000)


class Doorbell:
    """The receptionist of a telephone that waits to be called once."""

    def __init__(self, rings_s: float = 1.0) -> None:
        self.call: asyncio.Future[IncomingCall] = (
            asyncio.get_running_loop().create_future()
        )
        self._rings_s = rings_s

    async def receive(self, call: IncomingCall) -> None:
        if self.call.done():
            return  # busy: the carrier turns it away
        await call.leg.ring()
        await asyncio.sleep(self._rings_s)
        await call.leg.answer()
        self.call.set_result(call)


async def be_called(
    where: Listening,
    doorbell: Doorbell,
    plan: Conversation,
    *,
    keeps_audio: bool = False,
    on_ready: asyncio.Event | None = None,
    within_s: float = 60.0,
) -> CallReport:
    """Wait for one call from this machine, answer it and talk."""
    telephone = Telephone(where, RtpPorts(40_000, 49_999), receptionist=doorbell)
    report = CallReport()
    own = TrunkConfig(
        id=uuid4(),
        carrier="sip",
        settings={"addresses": ["127.0.0.1"], "codecs": "PCMA,PCMU"},
    )
    try:
        await telephone.configure([own])
        if on_ready is not None:
            on_ready.set()
        started_s = time.monotonic()
        async with asyncio.timeout(within_s):
            call = await asyncio.shield(doorbell.call)
        leg = call.leg
        assert isinstance(leg, SipLeg)
        await talk(leg, telephone.mouth, plan, report, started_s, keeps_audio)
    except TimeoutError:
        report.error = "Nobody called."
    except (NotAnswered, OSError) as error:
        report.error = str(error)
    finally:
        await telephone.aclose()
    return report


async def talk(
    leg: SipLeg,
    mouth: Mouth,
    plan: Conversation,
    report: CallReport,
    started_s: float,
    keeps_audio: bool,
) -> None:
    """Hold a conversation on an answered leg, hang up and note what was heard."""
    talker = PhoneTalker(
        leg, mouth, max_kept_ms=int(plan.longest_s * 1000) if keeps_audio else 0
    )
    ended = asyncio.Event()
    watch = asyncio.create_task(_note_end(leg, ended))
    try:
        report.turns = await talker.converse(plan, ended)
    finally:
        report.end_reason = "assistant_hangup" if leg.is_closed else "user_hangup"
        report.duration_ms = leg.offset_ms
        report.audio = talker.heard()
        report.recording = bytes(talker.ear.kept)
        if talker.first_packet_s is not None:
            report.setup_ms = round((talker.first_packet_s - started_s) * 1000)
        await leg.hang_up()
        await watch


async def _note_end(leg: SipLeg, ended: asyncio.Event) -> None:
    await leg.wait_closed()
    ended.set()
