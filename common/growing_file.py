"""Files that are sealed while they grow, so that a killed process leaves nothing open.

    PVG1 | length of header | header: sealed file key | length | piece | length | piece …

Like `common.sealed_file` every file has a key of its own, which the ring seals for the
file's name, and each piece is AES-256-GCM under a nonce that counts, bound to its number.
Pieces are as long as what was appended, and nothing is ever written twice. Where the
last one was cut off, the file ends before it: whoever can write to the disk may shorten
a file that grows, and nobody can tell.
"""

from __future__ import annotations

import base64
import io
import os
import secrets
import struct
from bisect import bisect_right
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.sealing import KEY_BYTES, KeyRing, SealBroken

_MAGIC: Final = b"PVG1"
_LENGTH: Final = struct.Struct(">I")
_TAG: Final = 16
_LONGEST: Final = 64 * 1024 * 1024


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


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
        key = secrets.token_bytes(KEY_BYTES)
        self._cipher = AESGCM(key)
        self._count = 0
        sealed_key = ring.seal(base64.b64encode(key).decode(), _context(name))
        header = sealed_key.encode()
        self._file.write(_MAGIC + len(header).to_bytes(2, "big") + header)

    def append(self, data: bytes) -> None:
        """Write one more piece, at once."""
        if not data:
            return
        bound = b"%d" % self._count
        sealed = self._cipher.encrypt(_nonce(self._count), data, bound)
        # Before it is written: a nonce whose piece was cut off is not used again.
        self._count += 1
        piece = _LENGTH.pack(len(sealed)) + sealed
        written = self._file.write(piece)
        if written != len(piece):
            raise OSError("The disk took only a part.")

    def close(self) -> None:
        self._file.close()


class GrownReader(io.RawIOBase):
    """A file that grew, as if it were open: read and seek; `file` is closed with it.

    Raises `SealBroken` for what was changed and for what is none.
    """

    def __init__(self, file: BinaryIO, ring: KeyRing, *, name: str) -> None:
        super().__init__()
        self._file = file
        if file.read(len(_MAGIC)) != _MAGIC:
            raise SealBroken("This is no file that grew.")
        length = int.from_bytes(file.read(2), "big")
        header = file.read(length).decode("ascii", "replace")
        self._cipher = AESGCM(base64.b64decode(ring.unseal(header, _context(name))))
        self._starts, self._places = _pieces_of(file)
        self.size = self._starts.pop()
        self._at = 0
        self._open_index, self._open = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self.size:
            return 0
        index = bisect_right(self._starts, self._at) - 1
        piece = self._piece(index)[self._at - self._starts[index] :]
        count = min(len(buffer), len(piece))
        buffer[:count] = piece[:count]
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _piece(self, index: int) -> bytes:
        if index != self._open_index:
            place, length = self._places[index]
            self._file.seek(place)
            sealed = self._file.read(length)
            try:
                self._open = self._cipher.decrypt(_nonce(index), sealed, b"%d" % index)
            except InvalidTag as error:
                raise SealBroken("A piece of the file was changed.") from error
            self._open_index = index
        return self._open


def _pieces_of(file: BinaryIO) -> tuple[list[int], list[tuple[int, int]]]:
    """Return where each whole piece starts when open, then the end; and where it lies."""
    at = file.tell()
    end = file.seek(0, io.SEEK_END)
    starts, places = [0], []
    while at + _LENGTH.size <= end:
        file.seek(at)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if not _TAG < length <= _LONGEST:
            raise SealBroken("A piece of the file was changed.")
        at += _LENGTH.size
        if at + length > end:
            break  # cut off while it was written
        places.append((at, length))
        starts.append(starts[-1] + length - _TAG)
        at += length
    return starts, places
