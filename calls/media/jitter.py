"""Puts RTP packets in order, without waiting when nothing is missing.

A recogniser needs order and continuity, not an even pace, so a packet in sequence goes
straight through: no fixed delay is added to every turn. Only behind a gap do packets
wait, until the missing one comes or `max_held` of them are held; then the gap is given
up and reported as lost. Pure: it knows neither sockets nor clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

_HALF = 0x8000
_MASK = 0xFFFF
_RESTART = 500  # a jump this far, 10 s of audio, is a new stream, not a loss


@dataclass(frozen=True, slots=True)
class Piece:
    """One packet in its turn; `lost_before` counts those given up just before it."""

    timestamp: int
    payload: bytes
    lost_before: int = 0


class Reorder:
    """Sequence numbers in, ordered pieces out."""

    def __init__(self, *, max_held: int = 3) -> None:
        self._max_held = max_held
        self._next: int | None = None
        self._held: dict[int, tuple[int, bytes]] = {}
        self.late_packets = 0

    def add(self, sequence: int, timestamp: int, payload: bytes) -> list[Piece]:
        """Return what is in order now: often this one packet, sometimes none or more.

        Duplicates, and packets later than their gap was held open, are dropped.
        """
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) & _MASK
        if ahead == 0 and not self._held:
            self._next = (sequence + 1) & _MASK
            return [Piece(timestamp, payload)]
        if _RESTART <= ahead <= _MASK + 1 - _RESTART:
            self._held.clear()
            self._next = (sequence + 1) & _MASK
            return [Piece(timestamp, payload)]
        if ahead >= _HALF:
            self.late_packets += 1
            return []
        self._held[sequence] = (timestamp, payload)
        pieces = self._in_order(0)
        while len(self._held) >= self._max_held:
            pieces += self._in_order(self._skip_gap())
        return pieces

    def _in_order(self, lost: int) -> list[Piece]:
        assert self._next is not None
        pieces = []
        while (held := self._held.pop(self._next, None)) is not None:
            pieces.append(Piece(held[0], held[1], lost))
            lost = 0
            self._next = (self._next + 1) & _MASK
        return pieces

    def _skip_gap(self) -> int:
        assert self._next is not None
        lost = min((sequence - self._next) & _MASK for sequence in self._held)
        self._next = (self._next + lost) & _MASK
        return lost
