"""Files at rest under AES-256-GCM, in pieces, so that a part can be read without the rest.

    PVS1 | length of header | header: sealed file key | piece | piece | …

Keys and pieces are those of `common.pieces`. A piece is 64 KiB, bound to its number and
to whether it is the last, so that pieces cannot be swapped, left out or cut off unnoticed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from common.pieces import TAG, PieceReader, new_file, nonce
from common.sealing import KeyRing, SealBroken

PIECE: Final = 64 * 1024
_MAGIC: Final = b"PVS1"


def _bound_to(index: int, is_last: bool) -> bytes:
    return b"%d:%d" % (index, is_last)


def sealed_pieces(source: BinaryIO, ring: KeyRing, name: str) -> Iterator[bytes]:
    """Give the sealed bytes of `source`, for a file that will be called `name`."""
    cipher, beginning = new_file(_MAGIC, ring, _context(name))
    yield beginning
    index, piece = 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        is_last = not following
        yield cipher.encrypt(nonce(index), piece, _bound_to(index, is_last))
        if is_last:
            return
        index, piece = index + 1, following


def _context(name: str) -> str:
    return f"file:{name}"


class SealedReader(PieceReader):
    """A sealed file as if it were open: read and seek; raises `SealBroken`.

    `file` is closed with it. Only the pieces that are read are opened, each when its
    first byte is wanted.
    """

    def __init__(self, file: BinaryIO, ring: KeyRing, name: str) -> None:
        super().__init__(
            file,
            ring,
            magic=_MAGIC,
            context=_context(name),
            otherwise="This is no sealed file.",
        )
        self._start = file.tell()
        sealed_size = file.seek(0, io.SEEK_END) - self._start
        self._count = max(1, -(-sealed_size // (PIECE + TAG)))
        self.size = sealed_size - self._count * TAG
        if self.size < 0:
            raise SealBroken("The sealed file was cut off.")

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self.size and not (self.size == 0 and self._open_index < 0):
            return 0
        index, offset = divmod(self._at, PIECE)
        return self._give(buffer, self._piece(index)[offset:])

    def _lies(self, index: int) -> tuple[int, int, bytes]:
        place = self._start + index * (PIECE + TAG)
        return place, PIECE + TAG, _bound_to(index, index == self._count - 1)
