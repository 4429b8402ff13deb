"""Whatever is sent, the agent lives, opens no call it should not, and keeps nothing."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest

from calls.telephony.protocol import IncomingCall
from calls.telephony.sip.transport import Peer
from tests.calls.telephony.sip.exchange import Desk, carrier, trunk
from tests.virtual_time import virtual_time

KNOWN = Peer("udp", "127.0.0.1", 25_990)
STRANGER = Peer("udp", "192.0.2.66", 5060)
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 26990 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def message(
    method: bytes, number: int, *, body: bytes = b"", more: bytes = b""
) -> bytes:
    return (
        b"%(method)s sip:+31201234567@127.0.0.1 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:25990;branch=z9hG4bK%(number)d;rport\r\n"
        b"Max-Forwards: 70\r\n"
        b'From: "A \xc3\xa9" <sip:+31612345678@127.0.0.1>;tag=f%(number)d\r\n'
        b"To: <sip:+31201234567@127.0.0.1>\r\n"
        b"Call-ID: %(number)d@127.0.0.1\r\nCSeq: 1 %(method)s\r\n"
        b"Contact: <sip:a@127.0.0.1:25990>\r\n%(more)s"
        b"Content-Type: application/sdp\r\nContent-Length: %(length)d\r\n\r\n%(body)s"
    ) % {
        b"method": method,
        b"number": number,
        b"more": more,
        b"length": len(body),
        b"body": body,
    }


def traffic(number: int) -> list[bytes]:
    """Return one of each message that a call may bring."""
    timer = b"Supported: timer, 100rel\r\nSession-Expires: 1800;refresher=uac\r\n"
    invite = message(b"INVITE", number, body=SDP, more=timer)
    return [
        invite,
        message(b"INVITE", number, more=b"Require: 100rel\r\n"),
        message(b"OPTIONS", number),
        message(b"CANCEL", number),
        message(b"ACK", number),
        message(b"BYE", number).replace(
            b"<sip:+31201234567@127.0.0.1>\r", b"<sip:a@b>;tag=x\r"
        ),
        message(b"REGISTER", number, more=b"Expires: 0\r\n"),
        message(b"NOTIFY", number, more=b"Event: refer\r\n", body=b"SIP/2.0 200 OK"),
        message(b"INFO", number, body=b"Signal=1"),
        invite.replace(b"INVITE sip:+31201234567@127.0.0.1 SIP/2.0", b"SIP/2.0 200 OK"),
    ]


# The shapes of RFC 4475 and RFC 5118, on our own INVITE.
def torture() -> list[bytes]:
    base = message(b"INVITE", 7, body=SDP)

    def changed(old: bytes, new: bytes) -> bytes:
        assert old in base
        return base.replace(old, new, 1)

    return [
        changed(b"Max-Forwards: 70", b"Max-Forwards:\r\n 0068"),
        changed(b"To: ", b"TO :\r\n  "),
        changed(
            b"sip:+31201234567@127.0.0.1 SIP",
            b"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,"
            b"weird!*pas$wo~d_too.(doesn't-it)@example.com SIP",
        ),
        changed(b"INVITE sip:", b"!interesting-Method0123456789_*+`.%indeed'~ sip:"),
        changed(b"CSeq: 1 INVITE", b"CSeq: 0009 INVITE"),
        changed(b"CSeq: 1 INVITE", b"CSeq: 36893488147419103232 INVITE"),
        changed(b"Content-Length: ", b"Content-Length: -"),
        changed(b"Content-Length: ", b"Content-Length: 9999"),
        changed(b'"A \xc3\xa9"', b'"unterminated'),
        changed(b"sip:+31201234567@127.0.0.1 SIP", b"<sip:user@example.com> SIP"),
        changed(b" SIP/2.0\r\n", b"  SIP/2.0\r\n"),
        changed(b" SIP/2.0\r\n", b" SIP/7.0\r\n"),
        changed(b"sip:+31201234567@127.0.0.1 SIP", b"nobodyKnowsThisScheme:x SIP"),
        changed(b"sip:+31201234567@127.0.0.1 SIP", b"soap.beep://192.0.2.103:3002 SIP"),
        changed(b"Via: SIP/2.0/UDP", b"Via: SIP/2.0/UNKNOWN"),
        changed(b";branch=z9hG4bK7", b";branch=z9hG4bK"),
        changed(b"Via: ", b"Via: SIP/2.0/UDP a.example;branch=z9hG4bK1,\r\n ,,"),
        changed(b"Max-Forwards: 70", b"Max-Forwards: 300"),
        changed(b"Max-Forwards: 70", b"Max-Forwards: 0"),
        changed(b"Contact: <", b"Require: nothingSupportsThis\r\nContact: <"),
        changed(b"application/sdp", b"application/unknownformat"),
        changed(b"Contact: <sip:a@127.0.0.1:25990>", b"Contact: *"),
        changed(b"Contact: <", b"Contact: <sip:x@[2001:db8::9:1]:6050>, <"),
        changed(b"From: ", b"From: <sip:b@c.example>;tag=2\r\nFrom: "),
        changed(b"\r\n\r\n", b"\r\n"),
        changed(b"m=audio 26990", b"m=audio 99999999999"),
        changed(b"c=IN IP4 127.0.0.1", b"c=IN IP4 " + b"9" * 4_000),
        changed(b"Call-ID: ", b"Call-ID: " + b"x" * 9_000),
        changed(b"From: ", b"From: " + b'"' * 9_000),
        base + b"\r\n\r\n" + base,
        base[:200],
        b"\x00" * 1_500,
        b"SIP/2.0 100 Trying\r\n\r\n",
        b"INVITE\r\n\r\n",
        b"",
    ]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return a message with a few bytes, lines or lengths that are not what they were."""
    copy = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(copy) + 1) if copy else 0
        match chance.randrange(7):
            case 0 if copy:
                copy[at % len(copy)] = chance.randrange(256)
            case 1:
                copy[at:at] = chance.randbytes(chance.randint(1, 30))
            case 2:
                del copy[at : at + chance.randint(1, 40)]
            case 3:
                lines = bytes(copy).split(b"\r\n")
                chance.shuffle(lines)
                copy = bytearray(b"\r\n".join(lines))
            case 4:
                copy[at:at] = chance.choice(
                    [b"\r\n", b";", b",", b"<", b'"', b"%", b"@"]
                )
            case 5:
                piece = copy[at : at + 60]
                copy[at:at] = piece * chance.randint(1, 20)
            case _:
                del copy[at:]
    return bytes(copy)


async def send_all(
    datagrams: list[tuple[bytes, Peer]], acts: Any
) -> tuple[Desk, tuple[int, int, int], int]:
    """Send each, wait until every timer has run out; return what is left."""
    desk = Desk(acts)
    phone = carrier(desk)
    await phone.configure([trunk(addresses="127.0.0.1")])
    for data, peer in datagrams:
        phone.agent._receive(data, peer)
        await asyncio.sleep(0.002)
    await asyncio.sleep(200)
    left, ports = phone.agent.held, phone.ports.in_use
    assert sum(health.live_calls for health in phone.health().values()) == 0
    await phone.aclose()
    return desk, left, ports


async def pick_up_for_a_moment(call: IncomingCall) -> None:
    await call.leg.ring()
    await call.leg.answer()
    await call.leg.hang_up()


def broken(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


@virtual_time
async def _fuzz(count: int, seed: int) -> tuple[tuple[int, int, int], int]:
    chance = random.Random(seed)  # the same datagrams each time
    datagrams = []
    for number in range(count):
        data = chance.choice(traffic(number % 500))
        is_whole = chance.random() < 0.05
        peer = KNOWN if chance.random() < 0.8 else STRANGER
        datagrams.append((data if is_whole else mutated(data, chance), peer))
    _, left, ports = await send_all(datagrams, pick_up_for_a_moment)
    return left, ports


@pytest.mark.slow
def test_a_thousand_mutated_messages_leave_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert _fuzz(1_000, seed=1) == ((0, 0, 0), 0)
    assert broken(caplog) == []


@pytest.mark.slow
@pytest.mark.bench
def test_ten_thousand_mutated_messages_leave_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert _fuzz(10_000, seed=2) == ((0, 0, 0), 0)
    assert broken(caplog) == []


@pytest.mark.slow
def test_torture_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    @virtual_time
    async def run() -> None:
        datagrams = [(data, peer) for data in torture() for peer in (KNOWN, STRANGER)]
        _, left, ports = await send_all(datagrams, pick_up_for_a_moment)
        assert (left, ports) == ((0, 0, 0), 0)

    run()
    assert broken(caplog) == []


class Notes(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@virtual_time
async def test_strangers_open_no_call_and_the_log_hears_of_them_once() -> None:
    handler = Notes()
    logger = logging.getLogger("calls.telephony.sip.replies")
    logger.addHandler(handler)
    sent: list[bytes] = []
    desk = Desk()
    phone = carrier(desk)
    await phone.configure([trunk(addresses="127.0.0.1")])
    phone.agent.transports.answer = lambda data, peer: sent.append(data)  # type: ignore[method-assign]
    for number in range(2_000):
        invite = message(b"INVITE", number, body=SDP)
        phone.agent._receive(invite, Peer("udp", f"192.0.2.{number % 250}", 5060))
    assert desk.calls == []
    assert phone.agent.held == (0, 0, 0)
    assert phone.ports.in_use == 0
    assert 0 < len(sent) <= 50  # a second
    assert all(answer.startswith(b"SIP/2.0 403") for answer in sent)
    assert len(handler.records) == 1
    logger.removeHandler(handler)
    await phone.aclose()


@virtual_time
async def test_a_replayed_invite_is_answered_again_and_opens_one_call() -> None:
    desk, left, ports = await send_all(
        [(message(b"INVITE", 1, body=SDP), KNOWN)] * 20, pick_up_for_a_moment
    )
    assert len(desk.calls) == 1
    assert (left, ports) == ((0, 0, 0), 0)


@virtual_time
async def test_an_answer_that_is_never_acknowledged_ends_the_call() -> None:
    desk, left, ports = await send_all(
        [(message(b"INVITE", 1, body=SDP), KNOWN)], _answer
    )
    assert desk.calls[0].leg.is_closed
    assert (left, ports) == ((0, 0, 0), 0)


async def _answer(call: IncomingCall) -> None:
    await call.leg.answer()
