"""Loss, jitter and lateness of an RTP stream are counted as they were."""

from __future__ import annotations

from calls.media.quality import ReceiveQuality


def test_a_steady_stream_is_neither_late_nor_lossy():
    quality = ReceiveQuality(48_000)
    for n in range(500):
        quality.add((65_400 + n) & 0xFFFF, (2**32 - 9_600 + n * 960) % 2**32, n * 0.02)
    assert quality.received_packets == 500
    assert quality.lost_packets == 0
    assert quality.jitter_s < 1e-6
    assert quality.late_ms() == 0


def test_every_tenth_packet_lost_is_counted():
    quality = ReceiveQuality(48_000)
    for n in range(100):
        if n % 10 != 5:
            quality.add(n, n * 960, n * 0.02)
    assert quality.lost_packets == 10
    assert quality.take_fraction_lost() == 25
    assert quality.take_fraction_lost() == 0


def test_what_comes_twice_makes_up_for_nothing_that_was_lost():
    quality = ReceiveQuality(8_000)
    for n in range(65_500, 65_600):  # over the wrap of the sequence
        if n % 10 != 5:
            for _ in range(2 if n % 10 == 7 else 1):
                quality.add(n & 0xFFFF, n * 160, n * 0.02)
        elif n % 20 == 5:  # late, but it came
            quality.add((n + 2) & 0xFFFF, (n + 2) * 160, n * 0.02)
            quality.add(n & 0xFFFF, n * 160, n * 0.02)
    assert quality.lost_packets == 5
    assert quality.received_packets == 95


def test_lateness_is_against_the_quickest_packets():
    quality = ReceiveQuality(48_000)
    late = [
        quality.add(n, n * 960, n * 0.02 + (0.0305 if n in (50, 51) else 0))
        for n in range(100)
    ]
    assert late[49:53] == [0, 30, 30, 0]
    assert quality.late_ms(0.99) == 30
    assert quality.later_than(20) == 2


def test_silence_left_out_is_not_lateness():
    quality = ReceiveQuality(48_000)
    quality.add(1, 0, 0.0)
    assert quality.add(2, 48_000, 1.0) == 0
