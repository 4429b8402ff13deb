"""Files at rest under AES-256-GCM, in pieces, so that a part can be read without the rest.

    PVS1 | length of header | header: sealed file key | piece | piece | …

Every file has a key of its own, which the ring seals for the file's name: a file put in
the place of another does not open, and a new ring key only needs the header. A piece is
64 KiB under a nonce that counts, bound to its number and to whether it is the last, so
that pieces cannot be swapped, left out or cut off unnoticed.
"""

from __future__ import annotations

import base64
import io
import secrets
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.sealing import KEY_BYTES, KeyRing, SealBroken

PIECE: Final = 64 * 1024
_MAGIC: Final = b"PVS1"
_TAG: Final = 16


def _nonce(index: int) -> bytes:
    return index.to_bytes(12, "big")


def _bound_to(index: int, is_last: bool) -> bytes:
    return b"%d:%d" % (index, is_last)


def sealed_pieces(source: BinaryIO, ring: KeyRing, name: str) -> Iterator[bytes]:
    """Give the sealed bytes of `source`, for a file that will be called `name`."""
    key = secrets.token_bytes(KEY_BYTES)
    header = ring.seal(base64.b64encode(key).decode(), _context(name)).encode()
    yield _MAGIC + len(header).to_bytes(2, "big") + header
    cipher = AESGCM(key)
    index, piece = 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        is_last = not following
        yield cipher.encrypt(_nonce(index), piece, _bound_to(index, is_last))
        if is_last:
            return
        index, piece = index + 1, following


def _context(name: str) -> str:
    return f"file:{name}"


class SealedReader(io.RawIOBase):
    """A sealed file as if it were open: read and seek; raises `SealBroken`.

    `file` is closed with it. Only the pieces that are read are opened, each when its
    first byte is wanted.
    """

    def __init__(self, file: BinaryIO, ring: KeyRing, name: str) -> None:
        super().__init__()
        self._file = file
        if file.read(len(_MAGIC)) != _MAGIC:
            raise SealBroken("This is no sealed file.")
        length = int.from_bytes(file.read(2), "big")
        header = file.read(length).decode("ascii", "replace")
        self._cipher = AESGCM(base64.b64decode(ring.unseal(header, _context(name))))
        self._start = len(_MAGIC) + 2 + length
        sealed_size = file.seek(0, io.SEEK_END) - self._start
        self._count = max(1, -(-sealed_size // (PIECE + _TAG)))
        self.size = sealed_size - self._count * _TAG
        if self.size < 0:
            raise SealBroken("The sealed file was cut off.")
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
        if self._at >= self.size and not (self.size == 0 and self._open_index < 0):
            return 0
        index, offset = divmod(self._at, PIECE)
        piece = self._piece(index)[offset:]
        count = min(len(buffer), len(piece))
        buffer[:count] = piece[:count]
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _piece(self, index: int) -> bytes:
        if index != self._open_index:
            self._file.seek(self._start + index * (PIECE + _TAG))
            sealed = self._file.read(PIECE + _TAG)
            bound = _bound_to(index, index == self._count - 1)
            try:
                self._open = self._cipher.decrypt(_nonce(index), sealed, bound)
            except InvalidTag as error:
                raise SealBroken("A piece of the file was changed.") from error
            self._open_index = index
        return self._open
