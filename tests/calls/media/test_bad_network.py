"""Two telephones over a network that loses, doubles, delays and swaps what they send."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from calls.media.link import LinkEnd
from calls.media.phone_link import PhoneLink
from calls.media.rtp_format import PCMA
from calls.media.rtp_ports import RtpPorts
from calls.media.rtp_stream import Route
from calls.permitted import ANYWHERE
from tests.calls.telephony.sip.exchange import hear, say, strongest_hz, until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

LOST, DOUBLED, LATE_S = 0.05, 0.05, 0.035
HERE = "127.0.0.1"


class Weather(asyncio.DatagramProtocol):
    """One direction of the network: what comes in here goes on from `way_out`."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.way_out: Weather | None = None
        self.to_port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._dice.random() < LOST:
            return
        loop = asyncio.get_running_loop()
        for _ in range(2 if self._dice.random() < DOUBLED else 1):
            loop.call_later(self._dice.uniform(0, LATE_S), self._go_on, data)

    def _go_on(self, data: bytes) -> None:
        if self.way_out is not None and not self.way_out.transport.is_closing():
            self.way_out.transport.sendto(data, (HERE, self.to_port))


@asynccontextmanager
async def bad_line() -> AsyncIterator[tuple[PhoneLink, PhoneLink]]:
    loop, dice = asyncio.get_running_loop(), random.Random(5)
    ports = RtpPorts(26_000, 26_999)
    ends = [
        PhoneLink(ports.take(HERE), may_reach=ANYWHERE.__contains__) for _ in range(2)
    ]
    ways = [
        (
            await loop.create_datagram_endpoint(
                lambda: Weather(dice), local_addr=(HERE, 0)
            )
        )[1]
        for _ in range(2)
    ]
    ways[0].way_out, ways[0].to_port = ways[1], ends[1].port
    ways[1].way_out, ways[1].to_port = ways[0], ends[0].port
    try:
        for end, way in zip(ends, ways, strict=True):
            end.agree(Route(HERE, way.port, PCMA, 8, dtmf_type=101, is_rtcp_muxed=True))
            end.open_ears()
        yield ends[0], ends[1]
    finally:
        for end in ends:
            end.finish(LinkEnd.LOCAL_CLOSE)
        for way in ways:
            way.transport.close()
        assert ports.in_use == 0


async def test_speech_stays_whole_keys_come_once_and_the_page_knows() -> None:
    async with bad_line() as (one, other):
        keys: list[str] = []
        other.on_digit = keys.append
        await one.press("1590#*")
        await until(lambda: len(keys) >= 6, within_s=6)
        assert "".join(keys) == "1590#*"

        await asyncio.gather(say(one, 4.0, hz=500), say(other, 4.0, hz=800))
        heard, back = await asyncio.gather(hear(other, 4.0), hear(one, 4.0))
        for samples, hz in ((heard, 500), (back, 800)):
            pieces = samples[: samples.size // 320 * 320].reshape(-1, 320).astype(float)
            is_loud = np.sqrt((pieces**2).mean(axis=1)) > 500
            first, last = np.flatnonzero(is_loud)[[0, -1]]
            spoken = is_loud[first : last + 1]
            assert spoken.size > 100  # 2 s of it
            assert spoken.mean() > 0.97  # what was lost is filled in
            middle = pieces[first : last + 1].ravel()
            assert strongest_hz(middle) == pytest.approx(hz, abs=10)

        await until(lambda: one.stats().round_trip_ms is not None, within_s=8)
        stats = one.stats()
        lost = stats.lost_packets / (stats.lost_packets + stats.received_packets)
        assert 0.01 < lost < 0.1  # what came twice makes up for nothing
        assert stats.jitter_ms > 2
        assert 5 < (stats.round_trip_ms or 0) < 4 * LATE_S * 1000
        assert stats.concealed_ms > 0
        assert stats.mos is not None
        assert 1 < stats.mos < 4.35
