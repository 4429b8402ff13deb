"""Neither a trunk nor whoever answers there leads us into a network that is closed.

127.0.0.2 stands for a machine of our own network; 127.0.0.1 is open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from sipmessage import Request

from calls.permitted import ANYWHERE, Permitted
from calls.telephony.protocol import NotAnswered, PlaceRequest
from calls.telephony.sip.probe import probe
from calls.telephony.sip.resolving import Resolver
from common.ids import uuid7
from tests.calls.telephony.sip.exchange import (
    CALLED,
    CALLER,
    HOST,
    Desk,
    carrier,
    say,
    trunk,
    until,
)
from tests.calls.telephony.sip.test_dialling import SDP, Peers, answers, dialled, peer
from tests.calls.telephony.sip.test_probe import asking, failed, told
from tests.calls.telephony.sip.test_resolving import zone
from tests.fakes.dns_server import name_server

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

INSIDE = "127.0.0.2"
OPEN = Permitted([ip_network(f"{HOST}/32")])


class Inside:
    """A machine that takes UDP and TCP on one port and counts what comes."""

    def __init__(self) -> None:
        self._tcp = socket.create_server((INSIDE, 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((INSIDE, self.port))
        for listening in (self._tcp, self._udp):
            listening.setblocking(False)

    def reached(self) -> bool:
        for take in (self._tcp.accept, lambda: self._udp.recv(2_048)):
            try:
                take()
            except BlockingIOError:
                continue
            return True
        return False

    def close(self) -> None:
        self._tcp.close()
        self._udp.close()


@pytest.fixture
def inside() -> Iterator[Inside]:
    machine = Inside()
    yield machine
    machine.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("name", [INSIDE, "pbx.example"])
async def test_a_connection_test_tells_nothing_of_a_closed_network(
    inside: Inside, transport: str, name: str
) -> None:
    """The same words at once, whether the port is open or not."""
    with name_server() as server:
        server.put("pbx.example", "A", INSIDE)
        resolver = asking(server, OPEN)
        told_of = []
        for port in (inside.port, 9):
            config = trunk(host=name, port=port, transport=transport)
            steps = await probe(config, resolver)
            told_of.append(steps)
    assert told_of[0] == told_of[1]
    step = failed(told_of[0])
    assert step.name == "dns"
    assert "private network" in step.detail
    assert INSIDE not in (step.detail % step.values).replace(name, "")
    assert "operator" in step.advice
    assert told(told_of[0])["connect"] == (None, "Not reached.")
    assert not inside.reached()


async def test_a_connection_test_says_whose_calls_are_not_taken() -> None:
    resolver = Resolver([], 53, permitted=OPEN)
    step = failed(await probe(trunk(addresses="10.0.0.0/24 8.8.8.8"), resolver))
    assert step.name == "settings"
    assert step.values == {"networks": "10.0.0.0/24"}


async def test_a_call_to_a_closed_network_is_refused_with_the_reason(
    inside: Inside,
) -> None:
    phone = carrier(permitted=OPEN)
    config = trunk(host=INSIDE, port=inside.port, transport="udp")
    await phone.configure([config])
    try:
        with pytest.raises(NotAnswered, match="closed to trunks"):
            await phone.place(PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id))
        await until(lambda: "closed to trunks" in phone.health()[config.id].detail)
    finally:
        await phone.aclose()
    assert phone.ports.in_use == 0
    assert not inside.reached()


@pytest.mark.parametrize(
    ("transport", "service", "prefix"),
    [("udp", "SIP+D2U", "_sip._udp."), ("tcp", "SIP+D2T", "_sip._tcp.")],
)
async def test_records_of_a_domain_lead_no_call_into_a_closed_network(
    inside: Inside, transport: str, service: str, prefix: str
) -> None:
    """NAPTR names the service, SRV the port, and only then comes an address of ours."""
    records = {
        ("trunk.example.", "NAPTR"): [f'10 0 "s" "{service}" "" {prefix}deep.example.'],
        (f"{prefix}deep.example.", "SRV"): [f"10 0 {inside.port} pbx.deep.example."],
        ("pbx.deep.example.", "A"): [INSIDE],
        ("trunk.example.", "A"): [HOST],  # which is not where the domain says
    }
    async with zone(records, OPEN) as (served, resolver):
        phone = carrier(resolver=resolver)
        config = trunk(host="trunk.example", transport=transport, options_every_s=0)
        await phone.configure([config])
        try:
            with pytest.raises(NotAnswered, match=r"trunk\.example is in a network"):
                await phone.place(PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id))
        finally:
            await phone.aclose()
    asked = list(dict.fromkeys(kind for _, kind in served.asked))
    assert asked[:3] == ["NAPTR", "SRV", "A"]
    assert phone.ports.in_use == 0
    assert not inside.reached()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("domain", "code"), [("", 603), (INSIDE, 202)])
async def test_an_attended_transfer_leads_no_call_into_a_closed_network(
    inside: Inside, transport: str, domain: str, code: int
) -> None:
    """Declined, or where the address is the trunk's own domain sent to whoever asked."""
    desk = Desk()
    alice, ours = carrier(desk), carrier(permitted=OPEN)
    await alice.configure([trunk(addresses=HOST)])
    config = trunk(
        host=HOST,
        port=alice.agent.transports.port,
        transport=transport,
        domain=domain,
        options_every_s=0,
    )
    await ours.configure([config])
    try:
        leg = await ours.place(PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id))
        await leg.wait_answered()
        other: Any = desk.calls[0].leg
        replaces = "with-bob%3Bto-tag%3D1%3Bfrom-tag%3D2"
        where = f"sip:12@{INSIDE}:{inside.port};transport={transport}"
        response = await other._ask("REFER", Refer_To=f"<{where}?Replaces={replaces}>")
        assert response.code == code
        await until(lambda: leg._moving is None)
        await asyncio.sleep(0.1)
        assert not leg.is_closed
    finally:
        await ours.aclose()
        await alice.aclose()
    assert not inside.reached()


async def test_a_call_from_a_closed_network_is_a_strangers(inside: Inside) -> None:
    desk = Desk()
    called = carrier(desk, host="0.0.0.0", permitted=OPEN)
    await called.configure([trunk(addresses="127.0.0.0/8")])
    port = called.agent.transports.port
    callers = [carrier(host=host) for host in (INSIDE, HOST)]
    outcomes = []
    try:
        for caller in callers:
            config = trunk(host=HOST, port=port, transport="udp", options_every_s=0)
            await caller.configure([config])
            leg = await caller.place(
                PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id)
            )
            try:
                await leg.wait_answered()
                outcomes.append("answered")
            except NotAnswered as error:
                outcomes.append(error.code)
    finally:
        for one in (*callers, called):
            await one.aclose()
    assert outcomes == ["403", "answered"]
    assert len(desk.calls) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("header", ["Contact", "Record-Route"])
async def test_an_answer_leads_no_request_into_a_closed_network(
    inside: Inside, transport: str, header: str
) -> None:
    where = f"<sip:{INSIDE}:{inside.port};transport={transport};lr>"

    def leads_inside(served: Peers, request: Request) -> None:
        if request.method == "INVITE":
            served.say(request, 200, SDP, **{header.replace("-", "_"): where})
        else:
            answers(served, request)

    resolver = Resolver([], 53, permitted=OPEN)
    async with (
        peer(leads_inside) as served,
        dialled(HOST, served.port, resolver) as (_, place),
    ):
        leg = await place()
        await leg.wait_answered()
        await leg.hang_up()
        # They go the way the answer came instead.
        await until(lambda: served.methods() == ["INVITE", "ACK", "BYE"])
    assert not inside.reached()


@pytest.mark.parametrize(("permitted", "arrives"), [(OPEN, False), (ANYWHERE, True)])
async def test_an_answer_sends_no_audio_into_a_closed_network(
    inside: Inside, permitted: Permitted, arrives: bool
) -> None:
    sdp = SDP.replace(b"c=IN IP4 127.0.0.1", f"c=IN IP4 {INSIDE}".encode())
    sdp = sdp.replace(b"26990", str(inside.port).encode())

    def named(served: Peers, request: Request) -> None:
        if request.method == "INVITE":
            served.say(request, 200, sdp)
        else:
            answers(served, request)

    phone = carrier(host="0.0.0.0", permitted=permitted)
    async with peer(named) as served:
        config = trunk(host=HOST, port=served.port, transport="udp", options_every_s=0)
        await phone.configure([config])
        leg = await phone.place(PlaceRequest(uuid7(), CALLER, CALLED, 5, config.id))
        try:
            await leg.wait_answered()
            await say(leg, 0.2)
            await asyncio.sleep(0.4)
            assert inside.reached() is arrives
            assert (leg.link.stream.sent_packets > 0) is arrives
        finally:
            await phone.aclose()
