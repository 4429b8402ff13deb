"""The timers of RFC 3261 (table 4) and RFC 6026, each at its second, on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sipmessage import Request, Response

from calls.telephony.sip.agent import target_uri
from calls.telephony.sip.messages import new_request, response_to
from calls.telephony.sip.reading import read
from calls.telephony.sip.transactions import ClientTransaction, ServerTransaction
from calls.telephony.sip.transport import Peer
from tests.virtual_time import virtual_time

T1, T2, T4 = 0.5, 4.0, 5.0
LINES = {kind: Peer(kind, "192.0.2.1", 5060) for kind in ("udp", "tcp")}


class Wire:
    """Takes what is sent and writes down when."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.sent: list[tuple[float, bytes]] = []

    def send_datagram(self, data: bytes, peer: Peer) -> None:
        self.sent.append((round(self._loop.time(), 3), data))

    async def send(self, data: bytes, peer: Peer) -> None:
        self.send_datagram(data, peer)

    answer = send_datagram

    def times(self, first_line: bytes) -> list[float]:
        return [at_s for at_s, data in self.sent if data.startswith(first_line)]


def request(method: str) -> Request:
    made = new_request(
        method,
        target_uri("192.0.2.1", "bob"),
        from_value="<sip:alice@192.0.2.2>;tag=a",
        to_value="<sip:bob@192.0.2.1>",
        call_id="c",
        sequence=1,
    )
    made.headers.set("Via", "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKx")
    return made


class Client:
    """A request of ours, what it brought, and when it was forgotten."""

    def __init__(self, method: str, transport: str) -> None:
        self.wire, self.request = Wire(), request(method)
        self.responses: list[int | None] = []
        self.ended_s: float | None = None
        self.transaction = ClientTransaction(
            self.wire,  # type: ignore[arg-type]  # a wire is all it needs
            self.request,
            LINES[transport],
            self._take,
            self._end,
        )
        self.transaction.start()

    def _take(self, response: Response | None) -> None:
        self.responses.append(response.code if response else None)

    def _end(self, transaction: ClientTransaction) -> None:
        self.ended_s = round(asyncio.get_running_loop().time(), 3)

    def hear(self, code: int) -> None:
        self.transaction.receive(response_to(self.request, code, to_tag="b"))


@virtual_time
async def test_a_and_b_an_invite_is_sent_again_ever_later_until_64_t1() -> None:
    call = Client("INVITE", "udp")
    await asyncio.sleep(60)
    assert call.wire.times(b"INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert call.responses == [None]
    assert call.ended_s == 64 * T1


@virtual_time
async def test_a_and_b_a_stream_repeats_nothing_and_gives_up_all_the_same() -> None:
    call = Client("INVITE", "tcp")
    await asyncio.sleep(60)
    assert call.wire.times(b"INVITE") == [0]
    assert (call.responses, call.ended_s) == ([None], 64 * T1)


@virtual_time
async def test_a_invite_that_is_heard_is_not_sent_again_however_long_it_rings() -> None:
    call = Client("INVITE", "udp")
    await asyncio.sleep(0.7)
    call.hear(180)
    await asyncio.sleep(300)
    assert call.wire.times(b"INVITE") == [0, 0.5]
    assert (call.responses, call.ended_s) == ([180], None)
    call.transaction.end()


@pytest.mark.parametrize(("transport", "stays_s"), [("udp", 32.0), ("tcp", 0.0)])
def test_d_each_refusal_that_comes_again_gets_its_ack_again(
    transport: str, stays_s: float
) -> None:
    @virtual_time
    async def run() -> None:
        call = Client("INVITE", transport)
        await asyncio.sleep(0.2)
        call.hear(486)
        await asyncio.sleep(0)
        for _ in range(2):
            if stays_s:
                await asyncio.sleep(4)
                call.hear(486)
        await asyncio.sleep(60)
        assert len(call.wire.times(b"ACK")) == (3 if stays_s else 1)
        assert call.responses == [486]
        assert call.ended_s == pytest.approx(0.2 + stays_s)

    run()


@virtual_time
async def test_m_a_2xx_that_comes_again_is_passed_on_for_its_ack() -> None:
    call = Client("INVITE", "udp")
    call.hear(200)
    await asyncio.sleep(4)
    call.hear(200)
    await asyncio.sleep(60)
    assert call.responses == [200, 200]
    assert call.wire.times(b"ACK") == []  # which is the dialog's
    assert call.ended_s == 64 * T1


@virtual_time
async def test_e_and_f_another_request_is_sent_again_at_most_every_t2() -> None:
    asked = Client("OPTIONS", "udp")
    await asyncio.sleep(60)
    assert asked.wire.times(b"OPTIONS") == [
        *(0, 0.5, 1.5, 3.5),
        *(7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5),
    ]
    assert (asked.responses, asked.ended_s) == ([None], 64 * T1)


@virtual_time
async def test_f_a_stream_repeats_no_request_and_gives_up_all_the_same() -> None:
    asked = Client("OPTIONS", "tcp")
    await asyncio.sleep(10)
    asked.hear(100)  # which promises nothing
    await asyncio.sleep(50)
    assert asked.wire.times(b"OPTIONS") == [0]
    assert (asked.responses, asked.ended_s) == ([100, None], 64 * T1)


@virtual_time
async def test_e_a_provisional_answer_slows_the_repeats_to_t2() -> None:
    asked = Client("OPTIONS", "udp")
    await asyncio.sleep(0.2)
    asked.hear(100)
    await asyncio.sleep(11)
    assert asked.wire.times(b"OPTIONS") == [0, 0.5, 4.5, 8.5]
    asked.hear(200)
    await asyncio.sleep(60)
    assert asked.responses == [100, 200]


@pytest.mark.parametrize(("transport", "stays_s"), [("udp", T4), ("tcp", 0.0)])
def test_k_an_answered_request_waits_for_late_answers(
    transport: str, stays_s: float
) -> None:
    @virtual_time
    async def run() -> None:
        asked = Client("BYE", transport)
        await asyncio.sleep(0.1)
        asked.hear(200)
        asked.hear(200)
        await asyncio.sleep(60)
        assert asked.responses == [200]
        assert asked.ended_s == pytest.approx(0.1 + stays_s)

    run()


class Server:
    """A request of theirs, our answers to it, and when it was forgotten."""

    def __init__(self, method: str, transport: str) -> None:
        self.wire, self.request = Wire(), request(method)
        self.ended_s: float | None = None
        self.is_given_up = False
        self.transaction = ServerTransaction(
            self.wire,  # type: ignore[arg-type]  # see `Client`
            self.request,
            LINES[transport],
            self._end,
        )
        self.transaction.on_unacknowledged = self._give_up

    def _end(self, transaction: ServerTransaction) -> None:
        self.ended_s = round(asyncio.get_running_loop().time(), 3)

    def _give_up(self) -> None:
        self.is_given_up = True

    def answer(self, code: int) -> None:
        self.transaction.respond(response_to(self.request, code, to_tag="b"))


@pytest.mark.parametrize(
    ("code", "transport", "times"),
    [
        (486, "udp", [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
        (486, "tcp", [0]),
        # A 2xx is the callee's to repeat, on streams too: RFC 3261 13.3.1.4.
        (200, "udp", [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
        (200, "tcp", [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
    ],
)
def test_g_and_h_a_final_answer_is_repeated_until_64_t1(
    code: int, transport: str, times: list[float]
) -> None:
    @virtual_time
    async def run() -> None:
        call = Server("INVITE", transport)
        call.answer(code)
        await asyncio.sleep(60)
        assert call.wire.times(b"SIP/2.0") == times
        assert call.is_given_up
        assert call.ended_s == 64 * T1

    run()


@pytest.mark.parametrize(("transport", "stays_s"), [("udp", T4), ("tcp", 0.0)])
def test_i_after_its_ack_an_answer_is_silent(transport: str, stays_s: float) -> None:
    @virtual_time
    async def run() -> None:
        call = Server("INVITE", transport)
        call.answer(486)
        await asyncio.sleep(0.7)
        before = len(call.wire.sent)
        call.transaction.acknowledge()
        call.transaction.receive_again()
        await asyncio.sleep(60)
        assert len(call.wire.sent) == before
        assert not call.is_given_up
        assert call.ended_s == pytest.approx(0.7 + stays_s)

    run()


@pytest.mark.parametrize(("transport", "stays_s"), [("udp", 64 * T1), ("tcp", 0.0)])
def test_j_a_request_that_comes_again_gets_its_answer_again(
    transport: str, stays_s: float
) -> None:
    @virtual_time
    async def run() -> None:
        asked = Server("OPTIONS", transport)
        asked.transaction.receive_again()
        assert asked.wire.sent == []  # there is no answer yet
        asked.answer(200)
        if stays_s:
            await asyncio.sleep(10)
            asked.transaction.receive_again()
            assert asked.wire.times(b"SIP/2.0 200") == [0, 10]
        await asyncio.sleep(60)
        assert asked.ended_s == stays_s

    run()


@virtual_time
async def test_nothing_follows_a_final_answer() -> None:
    call = Server("INVITE", "udp")
    for code in (100, 180, 486, 200, 180):
        call.answer(code)
    codes = [_code(data) for _, data in call.wire.sent]
    assert codes == [100, 180, 486]
    call.transaction.end()


def _code(data: bytes) -> Any:
    message = read(data)
    assert isinstance(message, Response)
    return message.code
