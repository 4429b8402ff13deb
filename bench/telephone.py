"""What a telephone call costs beside a web call and beside moving its packets only.

Each round measures the same number of calls three times, each in a fresh process on the
measured core: web calls and G.711 calls through the full session with the same vendors,
and the packets of as many calls sent back as they came. Set-up is told as a caller
lives it: from INVITE to its answer, and to the first packet heard.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from uuid import uuid4

from bench.bots.relay import FIRST_PORT
from bench.caller import PERIOD_S, Crowd
from bench.figures import Figure, at_least, at_most, median, percentile, ratio
from bench.machine import Cores, cpu_s
from bench.processes import OURS, PHONE, RELAY, bot
from bench.window import SETTLE_S, measure
from calls.media.caller.talk import LATE_MS, Mouth
from calls.media.caller.utterance import Utterance
from calls.media.link import FRAME_MS
from calls.media.phone_link import PhoneLink
from calls.media.rtp_format import HEADER
from calls.media.rtp_ports import PortPair, RtpPorts
from calls.permitted import ANYWHERE
from calls.telephony.protocol import PlaceRequest, TrunkConfig
from calls.telephony.sip.caller import MouthOutput, line_frames
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.outgoing import OutgoingLeg
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening

CALLS = 8
SETUPS = 30
FULL_S, QUICK_S = 12.0, 6.0
FULL_ROUNDS, QUICK_ROUNDS = 3, 1


@dataclass
class Round:
    """What one round saw; CPU is percent of a core for one call."""

    web_cpu: float = 0.0
    phone_cpu: float = 0.0
    relay_cpu: float = 0.0
    late_p99_ms: float = 0.0
    glitch_percent: float = 0.0
    answered_ms: list[float] = field(default_factory=list)
    heard_ms: list[float] = field(default_factory=list)


class _Repeating(Mouth):
    """Says a phrase once in every period, whatever is answered."""

    def __init__(self, frames: tuple[bytes, ...], phase: int) -> None:
        super().__init__()
        count = round(PERIOD_S * 1000 / FRAME_MS)
        rest = [b""] * (count - len(frames))
        self._frames = cycle([*rest[phase:], *frames, *rest[:phase]])

    def next_packet(self) -> bytes:
        return next(self._frames)


class _Crowd(SipCarrier):
    """Calls the bot on as many lines as wanted."""

    def __init__(self, utterance: Utterance) -> None:
        super().__init__(
            Listening("127.0.0.1", 0),
            RtpPorts(26_000, 27_400),
            resolver=Resolver(permitted=ANYWHERE),
        )
        self._frames = line_frames(utterance)
        self._phase = 0

    def _link(self, pair: PortPair, *, takes_opus: bool) -> PhoneLink:
        self._phase = (self._phase + 23) % 100
        mouth = _Repeating(self._frames, self._phase)
        return PhoneLink(
            pair, may_reach=ANYWHERE.__contains__, output=MouthOutput(mouth)
        )

    async def call(self, trunk: TrunkConfig, found: Round) -> OutgoingLeg:
        began_s = time.monotonic()
        leg = await self.place(
            PlaceRequest(uuid4(), "+31612345678", "+31201234567", 20, trunk.id)
        )
        await leg.wait_answered()
        found.answered_ms.append((time.monotonic() - began_s) * 1000)
        heard = asyncio.Event()
        leg.set_taps(caller=lambda pcm, rate, at: heard.set(), assistant=None)
        await asyncio.wait_for(heard.wait(), 10)
        found.heard_ms.append((time.monotonic() - began_s) * 1000)
        leg.set_taps(caller=None, assistant=None)
        return leg


async def measure_rounds(
    cores: Cores, vendor_urls: list[str], utterance: Utterance, *, is_quick: bool
) -> list[Round]:
    rounds = []
    length_s = QUICK_S if is_quick else FULL_S
    for _ in range(QUICK_ROUNDS if is_quick else FULL_ROUNDS):
        found = Round()
        with bot(OURS, cores, vendor_urls, None) as running:
            crowd = Crowd(running.url, utterance)
            window = await measure(running, crowd, CALLS, cores, length_s=length_s)
            found.web_cpu = window.cpu_per_call
            await crowd.aclose()
        with bot(PHONE, cores, vendor_urls, None) as running:
            await _measure_phone(running.pid, running.port, utterance, found, length_s)
        with bot(RELAY, cores, [str(CALLS)], None) as running:
            found.relay_cpu = await _measure_relay(running.pid, length_s)
        rounds.append(found)
    return rounds


async def _measure_phone(
    pid: int, port: int, utterance: Utterance, found: Round, length_s: float
) -> None:
    crowd = _Crowd(utterance)
    trunk = TrunkConfig(
        uuid4(),
        "sip",
        settings={
            "host": "127.0.0.1",
            "port": port,
            "codecs": "PCMA",
            "options_every_s": 0,
        },
    )
    try:
        await crowd.configure([trunk])
        for _ in range(SETUPS):
            await (await crowd.call(trunk, found)).hang_up()
        legs = [await crowd.call(trunk, Round()) for _ in range(CALLS)]
        await asyncio.sleep(SETTLE_S)
        before_s, began_s = cpu_s(pid), time.monotonic()
        await asyncio.sleep(length_s)
        used_s = cpu_s(pid) - before_s
        found.phone_cpu = 100 * used_s / (time.monotonic() - began_s) / CALLS
        qualities = [leg.link.stream.quality for leg in legs]
        found.late_p99_ms = max(quality.late_ms(0.99) for quality in qualities)
        bad = sum(q.lost_packets + q.later_than(LATE_MS) for q in qualities)
        all_packets = sum(quality.expected_packets for quality in qualities)
        found.glitch_percent = 100 * bad / max(1, all_packets)
    finally:
        await crowd.aclose()


async def _measure_relay(pid: int, length_s: float) -> float:
    """Send as many packets a second as that many calls, and return the CPU of one."""
    loop = asyncio.get_running_loop()
    senders = [
        (
            await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol,
                remote_addr=("127.0.0.1", FIRST_PORT + number),
            )
        )[0]
        for number in range(CALLS)
    ]
    before_s, began_s = cpu_s(pid), time.monotonic()
    due_s, sequence = began_s, 0
    while due_s - began_s < length_s:
        packet = HEADER.pack(0x80, 8, sequence & 0xFFFF, 160 * sequence, 1) + bytes(160)
        for sender in senders:
            sender.sendto(packet)
        sequence += 1
        due_s += FRAME_MS / 1000
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
    used_s = cpu_s(pid) - before_s
    for sender in senders:
        sender.close()
    return 100 * used_s / (time.monotonic() - began_s) / CALLS


def figures(rounds: list[Round]) -> list[Figure]:
    phone = [found.phone_cpu for found in rounds]
    web = [found.web_cpu for found in rounds]
    times, *spread = ratio(web, phone)
    answered = [percentile(found.answered_ms, 0.95) for found in rounds]
    heard = [percentile(found.heard_ms, 0.95) for found in rounds]
    runs: list[Any] = [vars(found) for found in rounds]
    return [
        Figure(
            "G.711 calls for one web call, by CPU of the full session",
            "calls",
            times,
            "at least 2",
            at_least(times, 2.0),
            limit=ratio([f.phone_cpu for f in rounds], [f.relay_cpu for f in rounds])[
                0
            ],
            limit_name="a relay of the packets alone: calls for one of ours",
            runs=[*runs, {"least": spread[0], "most": spread[1]}],
        ),
        Figure(
            "CPU of a G.711 call",
            "% of a core",
            median(phone),
            "less than a web call's",
            at_most(ratio(phone, web)[0], 1.0),
            peer=median(web),
            peer_name="a web call",
            limit=median([found.relay_cpu for found in rounds]),
            limit_name="a relay of the packets alone",
            ratio_to_peer=ratio(phone, web)[0],
            ratio_to_limit=ratio(phone, [f.relay_cpu for f in rounds])[0],
        ),
        Figure(
            "Telephone call set-up, INVITE to 200, p95",
            "ms",
            median(answered),
            "at most 100",
            at_most(median(answered), 100),
        ),
        Figure(
            "Telephone call set-up, INVITE to first audio, p95",
            "ms",
            median(heard),
            "at most 200",
            at_most(median(heard), 200),
        ),
    ]
