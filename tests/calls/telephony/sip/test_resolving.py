"""Where a trunk is: NAPTR, SRV and addresses from a name server of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from calls.permitted import ANYWHERE, Permitted
from calls.telephony.protocol import PlaceRequest
from calls.telephony.sip import resolving
from calls.telephony.sip.resolving import CannotResolve, NotPermitted, Resolver
from tests.calls.telephony.sip.exchange import CALLED, CALLER, Desk, carrier, trunk

pytestmark = pytest.mark.asyncio

ZONE = {
    ("example.net.", "NAPTR"): [
        '20 0 "s" "SIP+D2U" "" _sip._udp.example.net.',
        '10 0 "s" "SIP+D2T" "" _sip._tcp.example.net.',
    ],
    ("_sip._tcp.example.net.", "SRV"): [
        "20 0 5070 second.example.net.",
        "10 0 5080 first.example.net.",
    ],
    ("first.example.net.", "A"): ["192.0.2.1"],
    ("second.example.net.", "A"): ["192.0.2.2"],
    ("plain.example.net.", "A"): ["192.0.2.3"],
    ("plain.example.net.", "AAAA"): ["2001:db8::3"],
}


class Zone(asyncio.DatagramProtocol):
    """Answers from `records`; what is not there does not exist."""

    def __init__(self, records: dict[tuple[str, str], list[str]]) -> None:
        self.records = records
        self.asked: list[tuple[str, str]] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text()
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if found := self.records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def zone(
    records: dict[tuple[str, str], list[str]], permitted: Permitted = ANYWHERE
) -> AsyncIterator[tuple[Zone, Resolver]]:
    loop = asyncio.get_running_loop()
    transport, served = await loop.create_datagram_endpoint(
        lambda: Zone(records), local_addr=("127.0.0.1", 0)
    )
    port = transport.get_extra_info("sockname")[1]
    try:
        yield served, Resolver(["127.0.0.1"], port, permitted=permitted)
    finally:
        transport.close()


async def test_the_best_service_is_taken_and_its_servers_in_their_order() -> None:
    async with zone(ZONE) as (_, resolver):
        peers = await resolver.resolve("example.net")
        assert [(p.transport, p.host, p.port) for p in peers] == [
            ("tcp", "192.0.2.1", 5080),
            ("tcp", "192.0.2.2", 5070),
        ]
        resolver.shun(peers[0])
        again = await resolver.resolve("example.net")
        assert [peer.host for peer in again] == ["192.0.2.2", "192.0.2.1"]


async def test_a_trunks_transport_is_looked_for_where_the_domain_names_it() -> None:
    records = ZONE | {
        ("_sip._udp.example.net.", "SRV"): ["10 0 5090 second.example.net."],
        ("_sips._tcp.example.net.", "SRV"): ["10 0 5091 first.example.net."],
        ("named.example.net.", "NAPTR"): [
            '10 0 "s" "SIP+D2T" "" _sip._tcp.example.net.',
            '20 0 "s" "SIP+D2U" "" _sip._udp.example.net.',
        ],
    }
    async with zone(records) as (_, resolver):
        for transport, host, port in (
            ("udp", "192.0.2.2", 5090),
            ("tcp", "192.0.2.1", 5080),
        ):
            peer = (await resolver.resolve("named.example.net", None, transport))[0]
            assert (peer.transport, peer.host, peer.port) == (transport, host, port)
        # One that its NAPTR does not name is at the usual name, if anywhere.
        (peer,) = await resolver.resolve("example.net", None, "tls")
        assert (peer.host, peer.port) == ("192.0.2.1", 5091)


async def test_a_host_without_services_is_at_its_addresses() -> None:
    async with zone(ZONE) as (served, resolver):
        peers = await resolver.resolve("plain.example.net", None, "udp")
        assert [(p.host, p.port) for p in peers] == [
            ("192.0.2.3", 5060),
            ("2001:db8::3", 5060),
        ]
        asked = len(served.asked)
        await resolver.resolve("plain.example.net", None, "udp")
        assert len(served.asked) == asked  # it was kept


async def test_a_port_leaves_nothing_to_ask_but_addresses() -> None:
    async with zone(ZONE) as (served, resolver):
        peers = await resolver.resolve("plain.example.net", 5099, "tls")
        assert [(p.transport, p.port) for p in peers] == [("tls", 5099)] * 2
        assert {kind for _, kind in served.asked} == {"A", "AAAA"}


@pytest.mark.parametrize("host", ["192.0.2.9", "[2001:db8::9]"])
async def test_an_address_is_not_looked_up(host: str) -> None:
    (peer,) = await Resolver([], 53, permitted=ANYWHERE).resolve(host, None, "tls")
    assert (peer.host, peer.port) == (host.strip("[]"), 5061)


async def test_a_name_that_is_not_there_is_said_to_be() -> None:
    async with zone({}) as (_, resolver):
        with pytest.raises(CannotResolve, match=r"nowhere\.invalid"):
            await resolver.resolve("nowhere.invalid")


INSIDE = {
    ("_sip._udp.mixed.example.net.", "SRV"): [
        "10 0 6379 inside.example.net.",
        "20 0 5060 open.example.net.",
    ],
    ("_sip._udp.closed.example.net.", "SRV"): ["10 0 6379 inside.example.net."],
    ("closed.example.net.", "A"): ["8.8.4.4"],
    ("inside.example.net.", "A"): ["10.0.0.5", "169.254.169.254"],
    ("inside.example.net.", "AAAA"): ["::ffff:10.0.0.5", "fd00::5"],
    ("open.example.net.", "A"): ["10.0.0.5", "8.8.8.8"],
}


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.5",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "localhost",
        "127.1",
        "2130706433",
        "inside.example.net",
    ],
)
@pytest.mark.parametrize("port", [None, 6379])
async def test_what_is_inside_is_closed_however_it_is_named(
    host: str, port: int | None
) -> None:
    async with zone(INSIDE, Permitted()) as (_, resolver):
        with pytest.raises(NotPermitted) as refused:
            await resolver.resolve(host, port, "udp")
    assert host.strip("[]") in str(refused.value)


async def test_services_lead_to_open_addresses_only() -> None:
    async with zone(INSIDE, Permitted()) as (_, resolver):
        peers = await resolver.resolve("mixed.example.net", None, "udp")
        assert [(peer.host, peer.port) for peer in peers] == [("8.8.8.8", 5060)]
        with pytest.raises(NotPermitted):  # and not at the address of the name itself
            await resolver.resolve("closed.example.net", None, "udp")


async def test_an_operator_opens_a_network() -> None:
    permitted = Permitted([ip_network("10.0.0.0/24")])
    async with zone(INSIDE, permitted) as (_, resolver):
        peers = await resolver.resolve("inside.example.net", 5060, "udp")
        assert {peer.host for peer in peers} == {"10.0.0.5", "::ffff:10.0.0.5"}


async def test_a_name_that_moves_inside_is_closed_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolving, "LEAST_TTL_S", 0.0)
    monkeypatch.setattr(resolving, "MOST_TTL_S", 0.0)
    records = {("moves.example.net.", "A"): ["8.8.8.8"]}
    async with zone(records, Permitted()) as (_, resolver):
        (peer,) = await resolver.resolve("moves.example.net", 5060, "udp")
        assert peer.host == "8.8.8.8"
        records["moves.example.net.", "A"] = ["127.0.0.1"]
        with pytest.raises(NotPermitted):
            await resolver.resolve("moves.example.net", 5060, "udp")


@pytest.mark.slow
async def test_a_server_that_is_away_is_passed_over() -> None:
    desk = Desk()
    alive = carrier(desk)
    await alive.configure([trunk(addresses="127.0.0.1")])
    port = alive.agent.transports.port
    records = {
        ("_sip._tcp.trunk.example.", "SRV"): [
            "10 0 9 away.trunk.example.",
            f"20 0 {port} here.trunk.example.",
        ],
        ("away.trunk.example.", "A"): ["127.0.0.1"],
        ("here.trunk.example.", "A"): ["127.0.0.1"],
    }
    async with zone(records) as (_, resolver):
        phone = carrier(resolver=resolver)
        config = trunk(host="trunk.example", transport="tcp", options_every_s=0)
        await phone.configure([config])
        leg = await phone.place(PlaceRequest(config.id, CALLER, CALLED, 10, config.id))
        await asyncio.wait_for(leg.wait_answered(), 8)
        await phone.aclose()
    await alive.aclose()
