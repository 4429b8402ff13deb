"""A migrated cluster kept between runs: migrating takes longer than most test runs.

Kept in the user's cache folder under a name made of everything that decides what is in
it: the migrations, the locked requirements and the server's version. Whatever of it
changes makes another name; the oldest ones go.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import psycopg

from config import postgres

_ROOT = Path(__file__).resolve().parents[2]
_NEWEST = 8


def folder() -> Path:
    """Return where the cluster of this tree's migrations is kept, kept or not."""
    digest = hashlib.sha256(str(os.geteuid()).encode())
    for path in sorted(_ROOT.glob("*/migrations/*.py")):
        digest.update(str(path.relative_to(_ROOT)).encode() + path.read_bytes())
    for path in (
        _ROOT / "requirements-dev.txt",
        _ROOT / "portal/postgresql/rls.py",
        _ROOT / "config/settings.py",
    ):
        digest.update(path.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "portavoce" / f"migrated-{digest.hexdigest()[:16]}"


def restore(target: Path) -> bool:
    """Copy the kept data folder to `target`; say whether there was one."""
    kept = folder()
    if not kept.is_dir():
        return False
    target.parent.mkdir(mode=0o700, parents=True)
    if not _copied(kept, target):
        shutil.rmtree(target, ignore_errors=True)
        return False
    os.utime(kept)
    return True


def keep(cluster: postgres.Cluster) -> None:
    """Keep a running, idle cluster; a full disk or a second run at it is no fault."""
    kept = folder()
    kept.parent.mkdir(parents=True, exist_ok=True)
    admin = cluster.conninfo(user="postgres", dbname="postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        # Nobody writes, so that the files on their own are a cluster that crashed just
        # after a checkpoint, and start as one.
        connection.execute("checkpoint")
    fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
    if not _copied(cluster.folder / "data", fresh):
        shutil.rmtree(fresh, ignore_errors=True)
        return
    (fresh / "postmaster.pid").unlink(missing_ok=True)
    try:
        fresh.rename(kept)
    except OSError:  # another run was first
        shutil.rmtree(fresh, ignore_errors=True)
    found = sorted(
        kept.parent.glob("migrated-*"), key=lambda path: path.stat().st_mtime
    )
    for old in found[:-_NEWEST]:
        shutil.rmtree(old, ignore_errors=True)


def _copied(source: Path, target: Path) -> bool:
    """Copy with owners and modes, which PostgreSQL is strict about."""
    done = subprocess.run(
        ["cp", "-a", str(source), str(target)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
