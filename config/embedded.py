"""Where the embedded servers of a checkout live: database, broker, secret key.

Only addresses are made here; `config.postgres` starts the database. A checkout has a
folder of its own, found again from its path, so that two checkouts never share data.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from common.sealing import new_key

ROOT_FOLDER = Path("/var/lib/portavoce")
DATABASE = "portavoce"
_SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un holds 108 bytes, the last one a zero.
_SOCKET_PATH_MAX = 107


def is_default() -> bool:
    """Whether no database address is given, so that the embedded one serves."""
    return not (os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"))


def postgres_folder(var_dir: Path) -> Path:
    """Where the embedded database keeps its data, log and socket.

    PostgreSQL refuses to run as root, so root's goes to a folder of our own that
    another user may enter; the checkout itself may be private.
    """
    if os.geteuid() != 0:
        return var_dir / "pg"
    digest = hashlib.sha256(str(var_dir.resolve()).encode()).hexdigest()[:8]
    return ROOT_FOLDER / digest


def database_url(var_dir: Path) -> str:
    socket = socket_folder(postgres_folder(var_dir))
    return make_conninfo(dbname=DATABASE, user=DATABASE, host=str(socket))


def socket_folder(folder: Path) -> Path:
    """Return the folder of the database's socket: `folder`, or a short one of our own.

    A socket's path has a length limit that a deep checkout exceeds. The short folder is
    made once, only we may enter it, and its name is kept in `folder`/socket_folder.
    """
    if len(os.fsencode(folder / _SOCKET_NAME)) <= _SOCKET_PATH_MAX:
        return folder
    note = folder / "socket_folder"
    try:
        noted = Path(note.read_text(encoding="utf-8"))
        found = noted.lstat()
    except OSError:
        pass
    else:
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            return noted
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    short = Path(tempfile.mkdtemp(prefix="portavoce-", dir="/tmp"))
    fresh = note.with_name(f"{note.name}.{os.getpid()}")
    fresh.write_text(str(short), encoding="utf-8")
    fresh.replace(note)
    return short


def broker_options(var_dir: Path) -> dict[str, Any]:
    """Celery's filesystem transport; 0.1 s polling gives 21 ms median latency."""
    folder = var_dir / "broker"
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.1,
    }


def secret_key(var_dir: Path) -> str:
    """Return this checkout's own key for signatures, made at the first call."""
    return _kept_secret(var_dir / "secret_key", secrets.token_urlsafe(50))


def sealing_key(var_dir: Path) -> str:
    """Return this checkout's own key for secrets at rest, made at the first call."""
    return _kept_secret(var_dir / "sealing_key", new_key("k1"))


def _kept_secret(path: Path, fresh: str) -> str:
    """Return what `path` holds; keep `fresh` there when it is not there yet.

    Several processes may start at once: the file appears whole, and the first one stays.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(fresh)
        os.link(draft, path)
    except FileExistsError:
        return path.read_text(encoding="utf-8")
    finally:
        os.unlink(draft)
    return fresh
