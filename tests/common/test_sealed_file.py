"""A sealed file reads like a plain one, and shows whatever was done to it."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from common.sealed_file import PIECE, SealedReader, sealed_pieces
from common.sealing import KeyRing, SealBroken, new_key

RING = KeyRing.parse(new_key("k1"))


def sealed(data: bytes, name: str = "a") -> bytes:
    return b"".join(sealed_pieces(io.BytesIO(data), RING, name))


def opened(data: bytes, name: str = "a", ring: KeyRing = RING) -> Any:
    return io.BufferedReader(SealedReader(io.BytesIO(data), ring, name))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_sealed_comes_back(size: int) -> None:
    data = random.Random(size).randbytes(size)
    kept = sealed(data)
    assert opened(kept).read() == data
    assert SealedReader(io.BytesIO(kept), RING, "a").size == size
    if size > 16:
        assert data[:16] not in kept


def test_any_part_can_be_read_alone() -> None:
    data = random.Random(1).randbytes(3 * PIECE + 100)
    file = opened(sealed(data))
    chance = random.Random(2)
    for _ in range(200):
        start = chance.randrange(len(data))
        count = chance.randrange(1, 2 * PIECE)
        file.seek(start)
        assert file.read(count) == data[start : start + count]
    file.seek(-10, io.SEEK_END)
    assert file.read() == data[-10:]


def test_a_file_in_the_place_of_another_does_not_open() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(b"one", "a"), "b")


def test_another_ring_does_not_open_it() -> None:
    with pytest.raises(SealBroken):
        opened(sealed(b"one"), ring=KeyRing.parse(new_key("k1")))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[: -(PIECE + 16)],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data + b"more",
        lambda data: b"RIFF" + data[4:],
        lambda data: b"",
    ],
)
def test_a_spoiled_file_is_told(spoil: Any) -> None:
    kept = sealed(random.Random(3).randbytes(3 * PIECE))
    with pytest.raises(SealBroken):
        opened(spoil(kept)).read()


def test_swapped_pieces_are_told() -> None:
    kept = sealed(random.Random(4).randbytes(3 * PIECE))
    body = len(kept) - 3 * (PIECE + 16)
    head, rest = kept[:body], kept[body:]
    one, two, last = (rest[i * (PIECE + 16) : (i + 1) * (PIECE + 16)] for i in range(3))
    with pytest.raises(SealBroken):
        opened(head + two + one + last).read()
