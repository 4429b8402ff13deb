"""Packets come out in order, at once when nothing is missing."""

from __future__ import annotations

import itertools
import random

from hypothesis import given, strategies as st

from calls.media.jitter import Reorder


def sequences(pieces):
    return [piece.timestamp for piece in pieces]


def feed(reorder, numbers):
    return [
        piece
        for number in numbers
        for piece in reorder.add(number & 0xFFFF, number, b"x")
    ]


def test_a_packet_in_sequence_goes_straight_through():
    reorder = Reorder()
    assert [len(reorder.add(n, n, b"x")) for n in range(100, 110)] == [1] * 10


def test_two_swapped_packets_come_out_in_order():
    assert sequences(feed(Reorder(), [1, 2, 4, 3, 5])) == [1, 2, 3, 4, 5]


def test_a_lost_packet_is_given_up_after_three():
    reorder = Reorder()
    pieces = feed(reorder, [1, 2, 4, 5])
    assert sequences(pieces) == [1, 2]
    pieces = feed(reorder, [6])
    assert sequences(pieces) == [4, 5, 6]
    assert [piece.lost_before for piece in pieces] == [1, 0, 0]


def test_a_packet_later_than_its_gap_is_dropped_and_counted():
    reorder = Reorder()
    feed(reorder, [1, 3, 4, 5])
    assert feed(reorder, [2]) == []
    assert reorder.late_packets == 1


def test_a_duplicate_is_dropped():
    assert sequences(feed(Reorder(), [1, 2, 2, 3])) == [1, 2, 3]


def test_the_sequence_wraps():
    numbers = list(range(65_530, 65_545))
    assert sequences(feed(Reorder(), numbers)) == numbers


def test_a_far_jump_starts_anew():
    assert sequences(feed(Reorder(), [1, 2, 9_000, 9_001])) == [1, 2, 9_000, 9_001]


@given(st.integers(0, 0xFFFF), st.floats(0, 0.3), st.integers(0, 2**32))
def test_under_loss_and_reordering_the_order_holds_and_the_count_is_exact(
    start, loss, seed
):
    rng = random.Random(seed)
    numbers = [n for n in range(start, start + 200) if rng.random() > loss]
    for i in range(0, len(numbers) - 1, 7):
        numbers[i], numbers[i + 1] = numbers[i + 1], numbers[i]
    reorder = Reorder()
    pieces = feed(reorder, numbers)
    out = sequences(pieces)
    assert out == sorted(set(out))
    for before, piece in itertools.pairwise(pieces):
        assert piece.timestamp - before.timestamp == piece.lost_before + 1
