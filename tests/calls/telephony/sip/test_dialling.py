"""What a peer may want before it answers, and who is tried when it does not."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any
from unittest import mock

import pytest
from sipmessage import Request, Response

from calls.permitted import Permitted
from calls.telephony.protocol import NotAnswered, PlaceRequest
from calls.telephony.sip import outgoing, transport
from calls.telephony.sip.agent import target_uri
from calls.telephony.sip.dialog import direct_peer
from calls.telephony.sip.messages import new_request, response_to
from calls.telephony.sip.reading import read, to_bytes
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening, Peer, Transports
from common.ids import uuid7
from tests.calls.telephony.sip.exchange import (
    CALLED,
    CALLER,
    HOST,
    Desk,
    carrier,
    trunk,
    until,
)
from tests.calls.telephony.sip.test_hostile_messages import message
from tests.calls.telephony.sip.test_resolving import zone

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 26990 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


class Peers(asyncio.DatagramProtocol):
    """A SIP server that answers as `acts` says and writes down what it was asked."""

    def __init__(self, acts: Callable[[Peers, Request], None]) -> None:
        self.acts, self.asked = acts, list[Request]()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        message = read(data)
        if isinstance(message, Request):
            self.source = addr
            self.asked.append(message)
            self.acts(self, message)

    def say(self, request: Request, code: int, body: bytes = b"", **more: str) -> None:
        answer: Response = response_to(request, code, to_tag="peer", source=self.source)
        if code > 100:
            answer.headers.set("Contact", f"<sip:peer@{HOST}:{self.port}>")
        for name, value in more.items():
            answer.headers.set(name.replace("_", "-"), value)
        if body:
            answer.headers.set("Content-Type", "application/sdp")
            answer.body = body
        self.transport.sendto(to_bytes(answer), self.source)

    def methods(self) -> list[str]:
        return [request.method for request in self.asked]


@asynccontextmanager
async def peer(acts: Callable[[Peers, Request], None]) -> AsyncIterator[Peers]:
    loop = asyncio.get_running_loop()
    transport, served = await loop.create_datagram_endpoint(
        lambda: Peers(acts), local_addr=(HOST, 0)
    )
    try:
        yield served
    finally:
        transport.close()


@asynccontextmanager
async def dialled(
    host: str, port: int | None, resolver: Resolver | None = None
) -> AsyncIterator[tuple[Any, Callable[[], Any]]]:
    phone = carrier(resolver=resolver)
    config = trunk(host=host, port=port, transport="udp", options_every_s=0)
    await phone.configure([config])

    async def place() -> Any:
        return await phone.place(PlaceRequest(uuid7(), CALLER, CALLED, 10, config.id))

    try:
        async with asyncio.timeout(15):
            yield phone, place
    finally:
        await phone.aclose()
        assert phone.ports.in_use == 0
        assert phone.agent.held == (0, 0, 0)


def answers(served: Peers, request: Request) -> None:
    if request.method == "INVITE":
        served.say(request, 200, SDP)
    elif request.method == "BYE":
        served.say(request, 200)


async def test_a_provisional_answer_that_must_be_acknowledged_is_once() -> None:
    def reliable(served: Peers, request: Request) -> None:
        if request.method == "INVITE":
            for _ in range(2):  # as if our PRACK had been lost
                served.say(request, 183, SDP, Require="100rel", RSeq="7")
        elif request.method == "PRACK":
            served.say(request, 200)
            served.say(served.asked[0], 200, SDP)
        else:
            answers(served, request)

    async with peer(reliable) as served, dialled(HOST, served.port) as (_, place):
        leg = await place()
        await leg.wait_answered()
        invite, prack = served.asked[:2]
        assert "100rel" in invite.headers["Supported"]
        assert prack.headers["RAck"] == "7 1 INVITE"
        assert served.methods().count("PRACK") == 1
        await leg.hang_up()
        await until(lambda: served.methods() == ["INVITE", "PRACK", "ACK", "BYE"])
        sequences = [
            int(asked.headers["CSeq"].split()[0])
            for asked in served.asked
            if asked.method != "ACK"
        ]
        assert sequences == sorted(set(sequences))  # PRACK took one of its own


@pytest.mark.parametrize(
    ("wanted", "is_taken"), [("7200", True), ("99999999", False), ("x", False)]
)
async def test_a_session_interval_that_is_too_small_is_raised(
    wanted: str, is_taken: bool
) -> None:
    def strict(served: Peers, request: Request) -> None:
        asked = (request.headers.get("Session-Expires") or "").partition(";")[0]
        if request.method == "INVITE" and asked != wanted:
            served.say(request, 422, Min_SE=wanted)
        else:
            answers(served, request)

    async with peer(strict) as served, dialled(HOST, served.port) as (_, place):
        leg = await place()
        if is_taken:
            await leg.wait_answered()
            invites = [r for r in served.asked if r.method == "INVITE"]
            assert [r.headers["Session-Expires"] for r in invites] == ["1800", wanted]
            assert len({r.headers["Call-ID"] for r in invites}) == 1
        else:
            with pytest.raises(NotAnswered) as refusal:
                await leg.wait_answered()
            assert refusal.value.code == "422"


def full(served: Peers, request: Request) -> None:
    if request.method == "INVITE":
        served.say(request, 503, Retry_After="30")


def silent(served: Peers, request: Request) -> None:
    """Never answer."""


@pytest.mark.parametrize("first", [full, silent])
async def test_a_server_that_is_full_or_away_gives_way_to_the_next_target(
    first: Callable[[Peers, Request], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "SILENT_S", 0.2)
    async with peer(first) as one, peer(answers) as two:
        records = {
            ("_sip._udp.trunk.example.", "SRV"): [
                f"10 0 {one.port} one.trunk.example.",
                f"20 0 {two.port} two.trunk.example.",
            ],
            ("one.trunk.example.", "A"): [HOST],
            ("two.trunk.example.", "A"): [HOST],
        }
        async with (
            zone(records) as (_, resolver),
            dialled("trunk.example", None, resolver) as (_phone, place),
        ):
            leg = await place()
            await leg.wait_answered()
            await until(lambda: two.methods()[:2] == ["INVITE", "ACK"])
            tried = one.methods().count("INVITE")
            assert tried >= 1
            again = await place()  # the one that failed is left in peace for a while
            await again.wait_answered()
            assert one.methods().count("INVITE") == tried


async def test_the_last_targets_refusal_is_the_calls() -> None:
    async with peer(full) as served, dialled(HOST, served.port) as (_, place):
        leg = await place()
        with pytest.raises(NotAnswered) as refusal:
            await leg.wait_answered()
        assert (refusal.value.code, refusal.value.retry_after_s) == ("503", 30)


# --- NAT ---


async def test_an_answer_goes_where_the_request_really_came_from() -> None:
    request = new_request(
        "OPTIONS",
        target_uri(HOST),
        from_value="<sip:a@b>;tag=1",
        to_value="<sip:b@c>",
        call_id="c",
        sequence=1,
    )
    via = "SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKx"
    for parameter, expected in (
        (";rport", f"{via};received=198.51.100.7;rport=40001"),
        ("", f"{via};received=198.51.100.7"),
    ):
        request.headers.set("Via", via + parameter)
        answer = response_to(request, 200, source=("198.51.100.7", 40001))
        assert answer.headers["Via"] == expected


INSIDE_IS_OPEN = Permitted([ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")])


@pytest.mark.parametrize(
    ("contact", "came_from", "leads_to"),
    [
        ("10.0.0.5", "8.8.8.8", ("8.8.8.8", 40001)),  # behind NAT
        ("0.0.0.0", "198.51.100.7", ("198.51.100.7", 40001)),  # theirs
        ("9.9.9.9", "8.8.8.8", ("9.9.9.9", 5060)),
        ("10.0.0.5", "10.0.0.9", ("10.0.0.5", 5060)),  # the same network
        ("192.168.0.5", "10.0.0.9", ("10.0.0.9", 40001)),  # a network that is closed
        ("127.0.0.1", "10.0.0.9", ("10.0.0.9", 40001)),
        ("[2001:db8::5]", "2001:db8::9", ("2001:db8::5", 5060)),
    ],
)
async def test_a_private_contact_of_a_public_peer_leads_back_to_it(
    contact: str, came_from: str, leads_to: tuple[str, int]
) -> None:
    found = direct_peer(
        target_uri(contact), Peer("udp", came_from, 40001), INSIDE_IS_OPEN
    )
    assert found is not None
    assert (found.host, found.port) == leads_to


@pytest.mark.parametrize(
    ("peer_host", "ours"),
    [
        ("8.8.8.8", "203.0.113.5"),
        ("127.0.0.1", "127.0.0.1"),  # a neighbour sees us as we are
        ("::1", "::1"),
    ],
)
async def test_strangers_are_told_our_public_address(peer_host: str, ours: str) -> None:
    listening = Listening("0.0.0.0", 0, public_address="203.0.113.5")
    assert Transports(listening, lambda data, peer: None).local_host(peer_host) == ours


async def test_a_public_caller_is_answered_with_our_public_address() -> None:
    """In Contact and SDP: where their next messages and their audio are to go."""
    ours = carrier(Desk(), host="0.0.0.0", public_address="203.0.113.5")
    await ours.configure([trunk(addresses="8.8.8.8")])
    transports, sent = ours.agent.transports, list[tuple[bytes, Peer]]()
    with mock.patch.object(
        transports, "send_datagram", lambda data, peer: sent.append((data, peer))
    ):
        invite = message(b"INVITE", 7, body=SDP)
        transports.received(invite, Peer("udp", "8.8.8.8", 40_001))
        await until(lambda: any(data.startswith(b"SIP/2.0 200") for data, _ in sent))
        await ours.aclose()
    answer, peer = next(one for one in sent if one[0].startswith(b"SIP/2.0 200"))
    assert (peer.host, peer.port) == ("8.8.8.8", 40_001)  # not where its Via says
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.search(rb"(?im)^contact: <sip:[^>]*203\.0\.113\.5:", head)
    assert b"c=IN IP4 203.0.113.5" in body


async def test_a_port_that_another_has_for_tcp_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bind, asked = transport._udp_socket, []
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken: int = other.getsockname()[1]

        def taken_first(host: str, port: int) -> socket.socket:
            asked.append(port)
            return bind(host, taken if len(asked) == 1 else port)

        monkeypatch.setattr(transport, "_udp_socket", taken_first)
        listening = Transports(Listening("127.0.0.1", 0), lambda data, peer: None)
        await listening.open()
        assert listening.port not in (0, taken)
        await listening.aclose()
    assert asked == [0, 0]
