"""When a packet came is what the kernel saw, however late a busy process looks."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from calls.media.arrivals import note_arrivals, receive
from tests.calls.media.test_symmetric_rtp import call


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with far, near:
        near.bind(("127.0.0.1", 0))
        near.setblocking(False)
        note_arrivals(near)
        far.connect(near.getsockname())
        yield far, near


def test_a_datagram_that_waited_came_when_it_came(
    wire: tuple[socket.socket, socket.socket],
) -> None:
    far, near = wire
    before_s = time.monotonic()
    far.send(b"hello")
    after_s = time.monotonic()
    time.sleep(0.05)
    data, address, arrived_s = receive(near)
    assert (data, address) == (b"hello", far.getsockname())
    # The two clocks are not read at one instant.
    assert before_s - 0.005 < arrived_s < after_s + 0.005


def test_none_that_waits_is_said_as_sockets_say_it(
    wire: tuple[socket.socket, socket.socket],
) -> None:
    with pytest.raises(BlockingIOError):
        receive(wire[1])


@pytest.mark.parametrize("moved_s", [-3600.0, 3600.0])
def test_a_clock_that_is_put_right_moves_no_packet(
    wire: tuple[socket.socket, socket.socket],
    moved_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far, near = wire
    before_s = time.monotonic()
    far.send(b"hello")
    put_right = time.time() + moved_s
    monkeypatch.setattr(time, "time", lambda: put_right)
    assert receive(near)[2] >= before_s


@pytest.mark.asyncio
@pytest.mark.slow
async def test_what_waits_behind_another_is_taken_with_it() -> None:
    async with call() as (link, _, mapped, _):
        for _ in range(12):
            mapped.speak(link.port)
        time.sleep(0.03)  # noqa: ASYNC251 - a process that is busy with something else
        await asyncio.sleep(0.03)
        assert link.stats().received_packets == 12
