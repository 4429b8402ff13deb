"""What is sent to addresses of customers: checked on every socket, bounded, kept open."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from common.http import AddressRefused, OutboundError, Request, request, send, submit
from common.http.client import close_sessions
from tests.fakes.receiver import Receiver, Reply, receiving

LOOPBACK = ["127.0.0.1/32"]
PUBLIC = "93.184.216.34"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTBOUND_ALLOWED_NETWORKS = LOOPBACK
    with receiving() as receiver:
        yield receiver


@pytest_asyncio.fixture
async def connections() -> AsyncIterator[None]:
    yield
    await close_sessions()


def test_an_answer_is_returned_whatever_its_status(receiver: Receiver) -> None:
    receiver.replies = [Reply(418, b"short and stout", {"X-Kind": "pot"})]
    answer = send(Request(f"{receiver.url}/tea?x=1", headers={"X-A": "b"}, body=b"{}"))
    assert (answer.status, answer.body) == (418, b"short and stout")
    assert answer.headers["x-kind"] == "pot"
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("POST", "/tea?x=1", b"{}")
    assert got.headers["x-a"] == "b"


def test_a_private_address_gets_nothing(receiver: Receiver, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    port = receiver.url.rpartition(":")[2]
    with pytest.raises(AddressRefused):
        send(Request(f"https://127.0.0.1:{port}/"))
    with pytest.raises(OutboundError):
        send(Request(receiver.url))
    assert receiver.received == []


def test_a_redirect_to_a_private_address_is_refused(receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    receiver.replies = [Reply(302, headers={"Location": f"http://127.0.0.2:{port}/"})]
    with pytest.raises(AddressRefused):
        send(Request(receiver.url, max_redirects=3))
    assert len(receiver.received) == 1


def test_a_redirect_is_an_answer_unless_it_is_wanted(receiver: Receiver) -> None:
    receiver.replies = [Reply(307, headers={"Location": "/there"}), Reply(200)]
    assert send(Request(f"{receiver.url}/here", body=b"1")).status == 307
    receiver.replies = [Reply(307, headers={"Location": "/there"}), Reply(200)]
    answer = send(Request(f"{receiver.url}/here", body=b"1", max_redirects=1))
    assert answer.status == 200
    assert [(got.path, got.body) for got in receiver.received[1:]] == [
        ("/here", b"1"),
        ("/there", b"1"),
    ]


def test_an_endless_redirect_ends(receiver: Receiver) -> None:
    receiver.replies = [Reply(302, headers={"Location": "/again"})]
    assert send(Request(receiver.url, max_redirects=2)).status == 302
    assert len(receiver.received) == 3


@pytest.mark.asyncio
@pytest.mark.parametrize("order", [(PUBLIC, "127.0.0.1"), ("127.0.0.1", PUBLIC)])
async def test_a_name_that_changes_its_address_reaches_nothing_private(
    order: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    connections: None,
) -> None:
    """DNS rebinding: every lookup gives the other address; only a public one is tried."""
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    loop = asyncio.get_running_loop()
    lookups = iter(order * 10)
    tried: list[str] = []

    async def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(lookups), port)),
        ]

    async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    monkeypatch.setattr(loop, "sock_connect", connect)
    for _ in range(4):
        with pytest.raises(OutboundError):
            await request(Request("https://rebind.example/hook", timeout_s=2))
    assert set(tried) == {PUBLIC}
    assert len(tried) == 2


@pytest.mark.asyncio
async def test_of_several_addresses_only_public_ones_are_tried(
    monkeypatch: pytest.MonkeyPatch, settings: Any, connections: None
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    loop = asyncio.get_running_loop()
    tried: list[str] = []

    async def mixed(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("10.0.0.1", PUBLIC, "169.254.169.254")
        ]

    async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "getaddrinfo", mixed)
    monkeypatch.setattr(loop, "sock_connect", connect)
    with pytest.raises(OutboundError):
        await request(Request("https://mixed.example/", timeout_s=2))
    assert set(tried) == {PUBLIC}


def test_a_slow_answer_ends_in_time(receiver: Receiver) -> None:
    receiver.replies = [Reply(hangs=True)]
    started = time.monotonic()
    with pytest.raises(OutboundError, match=r"within 0\.2 seconds") as refusal:
        send(Request(receiver.url, timeout_s=0.2))
    assert refusal.value.kind == "timeout"
    assert time.monotonic() - started < 5


def test_an_answer_that_is_too_large_is_left(receiver: Receiver) -> None:
    receiver.replies = [Reply(body=b"x" * 5_000)]
    with pytest.raises(OutboundError, match="more than 4000 bytes"):
        send(Request(receiver.url, max_answer_bytes=4_000))


def test_a_packed_answer_does_not_grow(receiver: Receiver) -> None:
    receiver.replies = [Reply(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})]
    assert send(Request(receiver.url)).body == b"\x1f\x8b"
    assert receiver.received[0].headers["accept-encoding"] == "identity"


def test_nobody_at_home_is_told_in_words(receiver: Receiver) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(OutboundError, match="No connection"):
            send(Request(f"http://127.0.0.1:{port}/"))


def test_many_requests_run_at_once(receiver: Receiver) -> None:
    receiver.replies = [Reply(after_s=0.2)]
    started = time.monotonic()
    futures = [submit(Request(receiver.url)) for _ in range(10)]
    assert [future.result().status for future in futures] == [200] * 10
    assert time.monotonic() - started < 1.5


def test_no_cookie_is_kept(receiver: Receiver) -> None:
    receiver.replies = [Reply(headers={"Set-Cookie": "who=us; Path=/"})]
    send(Request(receiver.url))
    send(Request(receiver.url))
    assert "cookie" not in receiver.received[1].headers
