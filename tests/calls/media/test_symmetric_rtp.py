"""A telephone behind NAT: its audio comes from elsewhere than its SDP says, and goes there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from calls.media.link import LinkEnd
from calls.media.phone_link import PhoneLink
from calls.media.rtp_format import HEADER, PCMA
from calls.media.rtp_ports import RtpPorts
from calls.media.rtp_stream import LATCHED_S, Route
from calls.permitted import ANYWHERE, Permitted

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


class Door:
    """One UDP port of the other side."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._sequence = 0

    def speak(self, to_port: int, *, kind: int = 8) -> None:
        """Send 20 ms of silence."""
        self._sequence += 1
        packet = HEADER.pack(
            0x80, kind, self._sequence, 160 * self._sequence, self.port
        )
        self._socket.sendto(packet + b"\xd5" * 160, ("127.0.0.1", to_port))

    def heard(self) -> int:
        """Count the packets that have come since it was last asked."""
        count = 0
        while True:
            try:
                self._socket.recv(2_048)
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def call(
    may_reach: Callable[[str], bool] = ANYWHERE.__contains__,
) -> AsyncIterator[tuple[PhoneLink, Door, Door, Door]]:
    """A link; the port its SDP names, the one NAT made of it, and a stranger's."""
    doors = Door(), Door(), Door()
    ports = RtpPorts(26_000, 26_999)
    link = PhoneLink(ports.take("127.0.0.1"), may_reach=may_reach)
    try:
        link.agree(Route("127.0.0.1", doors[0].port, PCMA, 8))
        link.open_ears()
        yield link, *doors
    finally:
        link.finish(LinkEnd.LOCAL_CLOSE)
        for door in doors:
            door.close()
        assert ports.in_use == 0


async def speak(link: PhoneLink, door: Door, *, packets: int = 5) -> None:
    for _ in range(packets):
        door.speak(link.port)
        await asyncio.sleep(0.02)


async def test_until_they_speak_audio_goes_where_the_sdp_says() -> None:
    async with call() as (_, named, mapped, _):
        await asyncio.sleep(0.1)
        assert named.heard() >= 3
        assert mapped.heard() == 0


async def test_audio_goes_back_to_where_it_comes_from() -> None:
    async with call() as (link, named, mapped, _):
        await speak(link, mapped)
        named.heard()
        await asyncio.sleep(0.1)
        assert mapped.heard() >= 3
        assert named.heard() == 0
        assert link.stats().received_packets == 5


async def test_a_stranger_cannot_turn_a_call_away_while_it_is_spoken() -> None:
    async with call() as (link, _, mapped, stranger):
        await speak(link, mapped)
        for _ in range(5):
            stranger.speak(link.port)
            await speak(link, mapped, packets=1)
        assert stranger.heard() == 0
        assert link.stats().received_packets == 10


async def test_a_mapping_that_changes_is_followed_after_a_moment() -> None:
    async with call() as (link, _, mapped, other):
        await speak(link, mapped)
        await asyncio.sleep(LATCHED_S + 0.1)
        await speak(link, other)
        mapped.heard()
        await asyncio.sleep(0.1)
        assert other.heard() >= 3
        assert mapped.heard() == 0


async def test_what_was_not_agreed_moves_nothing() -> None:
    async with call() as (link, named, _, stranger):
        for _ in range(5):
            stranger.speak(link.port, kind=96)
        await asyncio.sleep(0.1)
        assert stranger.heard() == 0
        assert named.heard() >= 3


async def test_audio_goes_to_no_closed_address_that_an_sdp_names() -> None:
    """`named` stands for a machine inside; whoever named it speaks from elsewhere."""
    inside, outside = Door("127.0.0.2"), Door("127.0.0.1")
    open_to = Permitted([ip_network("127.0.0.1/32")])
    ports = RtpPorts(26_000, 26_999)
    link = PhoneLink(ports.take("0.0.0.0"), may_reach=open_to.__contains__)
    try:
        link.agree(Route("127.0.0.2", inside.port, PCMA, 8))
        link.open_ears()
        await asyncio.sleep(0.1)
        await speak(link, inside)  # its packets turn no call to it either
        assert inside.heard() == 0
        await speak(link, outside)
        await asyncio.sleep(0.1)
        assert outside.heard() >= 3
        assert inside.heard() == 0
        assert link.stats().received_packets == 5
    finally:
        link.finish(LinkEnd.LOCAL_CLOSE)
        inside.close()
        outside.close()
    assert ports.in_use == 0
