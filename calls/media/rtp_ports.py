"""UDP ports for telephone audio, from the range that a firewall lets through.

A call takes an even port for RTP and the odd one above it for RTCP, and gives them back
when it ends, however it ends. Ports are handed out in turn, so that a late packet of a
call that is over does not reach the next one.
"""

from __future__ import annotations

import logging
import socket
from typing import Final

from calls.media.arrivals import note_arrivals

logger = logging.getLogger(__name__)

_BUFFER_BYTES: Final = 65_536  # 200 ms of a burst, not seconds of stale audio


class NoPortFree(Exception):
    """Every pair of the range is in use; the call cannot have audio."""


class PortPair:
    """Two bound sockets. `close` gives the ports back, once."""

    def __init__(
        self, pool: RtpPorts, port: int, rtp: socket.socket, rtcp: socket.socket
    ) -> None:
        self.port = port
        self.rtp, self.rtcp = rtp, rtcp
        self._pool: RtpPorts | None = pool

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        self.rtp.close()
        self.rtcp.close()
        pool.give_back(self.port)


class RtpPorts:
    """The pairs from `first` to `last`, both included."""

    def __init__(self, first: int, last: int) -> None:
        first += first % 2
        self._ports = range(first, last, 2)
        if not self._ports:
            raise ValueError("A range of RTP ports needs two ports at least.")
        self._next = 0
        self._taken: set[int] = set()

    @property
    def in_use(self) -> int:
        return len(self._taken)

    @property
    def capacity(self) -> int:
        return len(self._ports)

    def take(self, host: str) -> PortPair:
        """Bind the next free pair on a local address; raise `NoPortFree`.

        A port that another program holds is passed over.
        """
        for _ in range(len(self._ports)):
            port = self._ports[self._next]
            self._next = (self._next + 1) % len(self._ports)
            if port in self._taken:
                continue
            try:
                pair = _bound(self, host, port)
            except OSError:
                continue
            self._taken.add(port)
            return pair
        logger.error("no RTP port is free", extra={"in_use": self.in_use})
        raise NoPortFree(f"All {len(self._ports)} pairs of RTP ports are in use.")

    def give_back(self, port: int) -> None:
        self._taken.discard(port)


def _bound(pool: RtpPorts, host: str, port: int) -> PortPair:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        for number in (port, port + 1):
            sockets.append(udp := socket.socket(family, socket.SOCK_DGRAM))
            udp.setblocking(False)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            note_arrivals(udp)
            udp.bind((host, number))
    except OSError:
        for udp in sockets:
            udp.close()
        raise
    return PortPair(pool, port, sockets[0], sockets[1])
