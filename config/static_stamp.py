"""Whether the collected static files are those of the sources, by names and times."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders


def _digest() -> str:
    seen = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            seen.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def _file() -> Path:
    return Path(settings.STATIC_ROOT) / ".stamp"


def is_stale() -> bool:
    try:
        return _file().read_text(encoding="ascii") != _digest()
    except FileNotFoundError:
        return True


def refresh() -> None:
    _file().write_text(_digest(), encoding="ascii")
