"""A voice process that is too slow for its calls takes what waits, and keeps them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from calls.media.jitter import Piece
from calls.media.rtp_plane import RtpPlane

STUN = b"\x00\x01" + bytes(18)


class NoEncryption:
    """Stands in for SRTP, whose keys come out of a handshake."""

    def unprotect(self, data: bytes) -> bytes:
        return data


class Transport:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock


class Protocol:
    """What aioice has at a socket: takes datagrams, here STUN only."""

    def __init__(self, sock: socket.socket) -> None:
        self.transport = Transport(sock)
        self.passed_on: list[bytes] = []

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.passed_on.append(data)


def rtp(sequence: int) -> bytes:
    head = b"\x80\x6f" + sequence.to_bytes(2, "big")
    return head + (sequence * 960).to_bytes(4, "big") + b"same" + b"opus"


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    near.setblocking(False)
    with far, near:
        yield far, near


def plane_with(pieces: list[Piece]) -> RtpPlane:
    plane = RtpPlane(
        next_payload=lambda: None,
        on_piece=pieces.append,
        on_connected=lambda: None,
        on_gone=lambda: None,
    )
    plane._payload_type = 0x6F
    return plane


@pytest.mark.parametrize(("is_late", "taken"), [(True, 4), (False, 1)])
def test_all_that_waits_is_taken_while_audio_leaves_late(wire, is_late, taken):
    far, near = wire
    pieces: list[Piece] = []
    plane, protocol = plane_with(pieces), Protocol(near)
    receive = plane._receiver(NoEncryption(), protocol)  # type: ignore[arg-type]
    for packet in (rtp(2), STUN, rtp(3), rtp(4)):
        far.send(packet)
    plane._is_late = is_late
    receive(rtp(1), ("127.0.0.1", 9))
    assert [piece.timestamp for piece in pieces] == [
        number * 960 for number in range(1, taken + 1)
    ]
    assert protocol.passed_on == ([STUN] if is_late else [])


def test_a_socket_that_fails_meanwhile_takes_nothing_along(wire):
    _, near = wire
    pieces: list[Piece] = []
    plane = plane_with(pieces)
    receive = plane._receiver(NoEncryption(), Protocol(near))  # type: ignore[arg-type]
    plane._is_late = True
    near.close()
    receive(rtp(1), ("127.0.0.1", 9))
    assert len(pieces) == 1
