"""How well one RTP stream arrives: counts, jitter, lateness; pure, constant memory."""

from __future__ import annotations

_BUCKETS = 1_000  # one a millisecond; the last holds everything later
_SEEN = (1 << 64) - 1  # how far back a packet that comes twice is known
_CREEP_S = 2e-6  # per packet: lets the baseline follow a sender's clock, 100 ppm


class ReceiveQuality:
    """Counts of RFC 3550 and the lateness of packets against the earliest ones.

    A packet that comes twice counts once: it would make up for one that was lost.
    Lateness is how much later than the quickest packets one came, given when its
    timestamp says it was sent; so silence left out (DTX) is not lateness.
    """

    def __init__(self, clock_rate_hz: int) -> None:
        self._rate_hz = clock_rate_hz
        self._base: int | None = None
        self._highest = 0  # extended by the number of wraps
        self._seen = 0  # a bit for each packet up to the highest, which is the lowest
        self._timestamp = 0  # extended likewise
        self._last_transit_s: float | None = None
        self._least_transit_s = 0.0
        self._late_ms = [0] * _BUCKETS
        self._reported_expected = 0
        self._reported_received = 0
        self.received_packets = 0
        self.jitter_s = 0.0

    def add(self, sequence: int, timestamp: int, arrived_s: float) -> int:
        """Count one packet and return how late it came, in ms; 0 for one seen before."""
        if self._base is None:
            self._timestamp = timestamp
        if not self._count(sequence):
            return 0
        moved = ((timestamp - self._timestamp + 2**31) & 0xFFFFFFFF) - 2**31
        self._timestamp += moved
        transit_s = arrived_s - self._timestamp / self._rate_hz
        if self._last_transit_s is None:
            self._least_transit_s = transit_s
        else:
            self.jitter_s += (
                abs(transit_s - self._last_transit_s) - self.jitter_s
            ) / 16
            self._least_transit_s = min(transit_s, self._least_transit_s + _CREEP_S)
        self._last_transit_s = transit_s
        late_ms = int((transit_s - self._least_transit_s) * 1000)
        self._late_ms[min(late_ms, _BUCKETS - 1)] += 1
        return late_ms

    def note(self, sequence: int) -> None:
        """Count a packet that has no audio time of its own, such as a pressed key."""
        self._count(sequence)

    def _count(self, sequence: int) -> bool:
        """Count a packet once; False for one that came before."""
        if self._base is None:
            self._base = self._highest = sequence
            self._seen, self.received_packets = 1, 1
            return True
        step = ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
        if step > 0:
            self._highest += step
            self._seen = ((self._seen << min(step, 64)) | 1) & _SEEN
        elif step > -64:
            if self._seen >> -step & 1:
                return False
            self._seen |= 1 << -step
        self.received_packets += 1
        return True

    @property
    def highest_sequence(self) -> int:
        return self._highest

    @property
    def expected_packets(self) -> int:
        return 0 if self._base is None else self._highest - self._base + 1

    @property
    def lost_packets(self) -> int:
        return max(0, self.expected_packets - self.received_packets)

    def late_ms(self, quantile: float = 0.99) -> float:
        """Return the lateness that `quantile` of the packets did not exceed."""
        wanted = quantile * self.received_packets
        seen = 0
        for late_ms, count in enumerate(self._late_ms):
            seen += count
            if seen >= wanted and seen:
                return float(late_ms)
        return 0.0

    def later_than(self, limit_ms: int) -> int:
        """Return how many packets came later than `limit_ms`."""
        return sum(self._late_ms[limit_ms + 1 :])

    def take_fraction_lost(self) -> int:
        """Return the share lost since it was last taken, in 256ths, as RTCP has it."""
        expected = self.expected_packets - self._reported_expected
        received = self.received_packets - self._reported_received
        self._reported_expected = self.expected_packets
        self._reported_received = self.received_packets
        lost = expected - received
        return 0 if expected <= 0 or lost <= 0 else (lost << 8) // expected
