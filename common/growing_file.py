"""Files that are sealed while they grow, so that a killed process leaves nothing open.

    PVG1 | length of header | header: sealed file key | length | piece | length | piece …

Keys and pieces are those of `common.pieces`. A piece is as long as what was appended and
bound to its number, and nothing is ever written twice. Where the last one was cut off, the
file ends before it: whoever can write to the disk may shorten a file that grows, and
nobody can tell.
"""

from __future__ import annotations

import io
import os
import struct
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO, Final

from common.pieces import TAG, PieceReader, new_file, nonce
from common.sealing import KeyRing, SealBroken

_MAGIC: Final = b"PVG1"
_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 64 * 1024 * 1024


def _context(name: str) -> str:
    return f"growing:{name}"


class GrowingFile:
    """Appends to a new file that only its owner may read; each piece is whole or absent.

    Raises `OSError` when the disk does not take it, `FileExistsError` for a name that
    is taken: a file grows once.
    """

    def __init__(self, path: Path, ring: KeyRing, *, name: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(handle, "wb", buffering=0)
        self._count = 0
        self._cipher, beginning = new_file(_MAGIC, ring, _context(name))
        self._file.write(beginning)

    def append(self, data: bytes) -> None:
        """Write one more piece, at once."""
        if not data:
            return
        bound = b"%d" % self._count
        sealed = self._cipher.encrypt(nonce(self._count), data, bound)
        # Before it is written: a nonce whose piece was cut off is not used again.
        self._count += 1
        piece = _LENGTH.pack(len(sealed)) + sealed
        written = self._file.write(piece)
        if written != len(piece):
            raise OSError("The disk took only a part.")

    def close(self) -> None:
        self._file.close()


class GrownReader(PieceReader):
    """A file that grew, as if it were open: read and seek; `file` is closed with it.

    Raises `SealBroken` for what was changed and for what is none.
    """

    def __init__(self, file: BinaryIO, ring: KeyRing, *, name: str) -> None:
        super().__init__(
            file,
            ring,
            magic=_MAGIC,
            context=_context(name),
            otherwise="This is no file that grew.",
        )
        self._starts, self._places = _pieces_of(file)
        self.size = self._starts.pop()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self.size:
            return 0
        index = bisect_right(self._starts, self._at) - 1
        return self._give(buffer, self._piece(index)[self._at - self._starts[index] :])

    def _lies(self, index: int) -> tuple[int, int, bytes]:
        return (*self._places[index], b"%d" % index)


def _pieces_of(file: BinaryIO) -> tuple[list[int], list[tuple[int, int]]]:
    """Return where each whole piece starts when open, then the end; and where it lies."""
    at = file.tell()
    end = file.seek(0, io.SEEK_END)
    starts, places = [0], []
    while at + _LENGTH.size <= end:
        file.seek(at)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if not TAG < length <= _LONGEST:
            raise SealBroken("A piece of the file was changed.")
        at += _LENGTH.size
        if at + length > end:
            break  # cut off while it was written
        places.append((at, length))
        starts.append(starts[-1] + length - TAG)
        at += length
    return starts, places
