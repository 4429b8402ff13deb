"""Datagrams with the moment they really came, however much later they are read.

The kernel notes the time of each as it comes (SO_TIMESTAMPNS, see socket(7)): jitter is
that of the way here, and not of a process that looks at its sockets every few
milliseconds.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import Any, Final

_MOST_BYTES: Final = 2_048
# On Linux, where `time_t` has 64 bits; Python has no name for it.
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@qq")
_ROOM: Final = socket.CMSG_SPACE(_TIMESPEC.size)
# Longer than any packet waits here: what seems to is a clock that was put right.
_MOST_S: Final = 1.0


def note_arrivals(udp: socket.socket) -> None:
    """Have the kernel note when each datagram comes; without it `receive` says now."""
    udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(udp: socket.socket) -> tuple[bytes, Any, float]:
    """Return the next datagram, its sender, and when it came by `time.monotonic`.

    Raises `BlockingIOError` when none waits, and other `OSError`s as `recvmsg` does.
    """
    data, notes, _flags, address = udp.recvmsg(_MOST_BYTES, _ROOM)
    arrived_s = time.monotonic()
    for level, kind, value in notes:
        if (
            level == socket.SOL_SOCKET
            and kind == _SO_TIMESTAMPNS
            and len(value) == _TIMESPEC.size
        ):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            waited_s = time.time() - seconds - nanoseconds / 1e9
            arrived_s -= waited_s if 0 < waited_s < _MOST_S else 0.0
    return data, address, arrived_s
