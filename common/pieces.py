"""What files that are sealed piece by piece have in common.

    magic | length of header | header: sealed file key | pieces

Every file has a key of its own, which the ring seals for the file's name: a file put in
the place of another does not open, and a new ring key only needs the header. A piece is
AES-256-GCM under a nonce that counts.
"""

from __future__ import annotations

import base64
import secrets
from abc import abstractmethod
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.placed_reader import PlacedReader
from common.sealing import KEY_BYTES, KeyRing, SealBroken

TAG: Final = 16


def nonce(index: int) -> bytes:
    """Return the nonce of a piece."""
    return index.to_bytes(12, "big")


def new_file(magic: bytes, ring: KeyRing, context: str) -> tuple[AESGCM, bytes]:
    """Return the cipher of a new file, and what the file begins with."""
    key = secrets.token_bytes(KEY_BYTES)
    header = ring.seal(base64.b64encode(key).decode(), context).encode()
    return AESGCM(key), magic + len(header).to_bytes(2, "big") + header


class PieceReader(PlacedReader):
    """Opens the pieces that are read, each when its first byte is wanted.

    Raises `SealBroken` for what was changed, and with `otherwise` for another kind of
    file. `file` is left behind its header.
    """

    def __init__(
        self,
        file: BinaryIO,
        ring: KeyRing,
        *,
        magic: bytes,
        context: str,
        otherwise: str,
    ) -> None:
        super().__init__(file)
        self._file = file
        if file.read(len(magic)) != magic:
            raise SealBroken(otherwise)
        length = int.from_bytes(file.read(2), "big")
        header = file.read(length).decode("ascii", "replace")
        self._cipher = AESGCM(base64.b64decode(ring.unseal(header, context)))
        self._open_index, self._open = -1, b""

    @abstractmethod
    def _lies(self, index: int) -> tuple[int, int, bytes]:
        """Return where a piece lies, how long it is, and what it is bound to."""

    def _piece(self, index: int) -> bytes:
        if index != self._open_index:
            place, length, bound = self._lies(index)
            self._file.seek(place)
            sealed = self._file.read(length)
            try:
                self._open = self._cipher.decrypt(nonce(index), sealed, bound)
            except InvalidTag as error:
                raise SealBroken("A piece of the file was changed.") from error
            self._open_index = index
        return self._open

    def _give(self, buffer: bytearray | memoryview, piece: bytes) -> int:
        """Fill the buffer with what is left of a piece; return how much that was."""
        count = min(len(buffer), len(piece))
        buffer[:count] = piece[:count]
        self._at += count
        return count
