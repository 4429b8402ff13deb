"""Files made while they are read: from other files, piece by piece or behind a header."""

from __future__ import annotations

import io
from typing import BinaryIO


class PlacedReader(io.RawIOBase):
    """`size` bytes that can be read from any place; `under` is closed with it.

    A subclass sets `size`, and its `readinto` reads at `_at` and moves it.
    """

    size: int

    def __init__(self, under: BinaryIO | io.RawIOBase) -> None:
        super().__init__()
        self._under = under
        self._at = 0

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

    def close(self) -> None:
        self._under.close()
        super().close()
