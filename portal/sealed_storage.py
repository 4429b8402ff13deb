"""A storage in which files called `….sealed` are sealed; others are as they were.

Whoever saves chooses by the name; whoever opens gets the plain file either way. What
stands on the disk, or goes to the store behind it, is sealed before it leaves us.
"""

from __future__ import annotations

import io
import tempfile
from typing import IO, Any, Final, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from common.sealed_file import SealedReader, sealed_pieces
from portal.sealed import key_ring

SUFFIX: Final = ".sealed"
_IN_MEMORY: Final = 4 * 1024 * 1024


def is_sealed(name: str) -> bool:
    """Whether a file of this name is sealed."""
    return name.endswith(SUFFIX)


def plain_name(name: str) -> str:
    """Return what the file is called when it is open."""
    return name.removesuffix(SUFFIX)


class SealableStorage(FileSystemStorage):
    """Files of this machine, those with the suffix sealed."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return a free name that keeps its suffix; a sealed file is bound to it."""
        if not is_sealed(name):
            return super().get_available_name(name, max_length)
        plain = super().get_available_name(plain_name(name), max_length)
        return plain + SUFFIX

    # The stubs of the framework do not know `_save` and `_open`, which are for subclasses.
    def _save(self, name: str, content: File[Any]) -> str:
        if not is_sealed(name):
            return str(super()._save(name, content))  # type: ignore[misc]
        name = self.get_available_name(name)
        content.seek(0)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as sealed:
            for piece in sealed_pieces(cast("Any", content), key_ring(), name):
                sealed.write(piece)
            sealed.seek(0)
            return str(super()._save(name, File(sealed)))  # type: ignore[misc]

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file: File[Any] = super()._open(name, mode)  # type: ignore[misc]
        if not is_sealed(name):
            return file
        reader = SealedReader(cast("Any", file.file), key_ring(), name)
        return File(cast("IO[Any]", io.BufferedReader(reader)), name)

    def size(self, name: str) -> int:
        """Return how many bytes the open file has."""
        if not is_sealed(name):
            return super().size(name)
        with super()._open(name, "rb") as file:  # type: ignore[misc]
            return SealedReader(cast("Any", file.file), key_ring(), name).size
