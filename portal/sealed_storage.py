"""A storage in which files called `….sealed` are sealed; others are as they were.

Whoever saves chooses by the name; whoever opens gets the plain file either way. What
stands on the disk, or goes to the store behind it, is sealed before it leaves us.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from typing import IO, Any, Final, cast

from django.core.files import File
from django.core.files.storage import Storage
from django.utils.module_loading import import_string

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


class SealableStorage(Storage):
    """Files of the storage behind it, those with the suffix sealed.

    `backend` and `options` name that storage as `STORAGES` would: a folder of this
    machine, or an object store.
    """

    def __init__(self, backend: str, options: Mapping[str, Any]) -> None:
        self._behind: Storage = import_string(backend)(**options)

    def get_alternative_name(self, file_root: str, file_ext: str) -> str:
        """Return another name for a file whose name is taken; its suffixes stay last."""
        inner = ""
        if file_ext == SUFFIX:
            file_root, inner = os.path.splitext(file_root)
        return str(super().get_alternative_name(file_root, inner + file_ext))

    # The stubs of the framework do not know `_save` and `_open`, which are for subclasses.
    def _save(self, name: str, content: File[Any]) -> str:
        content.seek(0)
        if not is_sealed(name):
            return self._kept(name, content)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as sealed:
            for piece in sealed_pieces(cast("Any", content), key_ring(), name):
                sealed.write(piece)
            sealed.seek(0)
            return self._kept(name, File(sealed))

    def _kept(self, name: str, content: File[Any]) -> str:
        return str(self._behind._save(name, content))  # type: ignore[attr-defined]

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        file = self._behind.open(name, mode)
        if not is_sealed(name):
            return file
        reader = SealedReader(cast("Any", file), key_ring(), name)
        return File(cast("IO[Any]", io.BufferedReader(reader)), name)

    def size(self, name: str) -> int:
        """Return how many bytes the open file has."""
        if not is_sealed(name):
            return self._behind.size(name)
        with self._behind.open(name) as file:
            return SealedReader(cast("Any", file), key_ring(), name).size

    def exists(self, name: str) -> bool:
        return self._behind.exists(name)

    def delete(self, name: str) -> None:
        self._behind.delete(name)

    def path(self, name: str) -> str:
        """Return where a file of this machine is; other storages have no path."""
        return self._behind.path(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self._behind.listdir(path)
