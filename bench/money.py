"""The ledger's figures on a PostgreSQL of the bench's own, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from config import postgres


def figures(*, is_quick: bool) -> list[dict[str, Any]]:
    """Measure hold and settle against bare SQL; raises when the books do not agree.

    The database waits for no disk, so that what is compared is work, not a disk that
    both sides wait for.
    """
    # /tmp and not $TMPDIR: root's server runs as another user, which must get in.
    folder = Path(tempfile.mkdtemp(prefix="portavoce-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        server = postgres.Server(postgres.prepare(folder / "pg", durable=False))
        server.start()
        try:
            return _measured(server.cluster.conninfo(), folder / "var", is_quick)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(database_url: str, var: Path, is_quick: bool) -> list[dict[str, Any]]:
    (var / "static").mkdir(parents=True)
    os.environ |= {
        "DATABASE_URL": database_url,
        "VAR_DIR": str(var),
        "SECRET_KEY": "bench only",
        "DEMO": "1",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        check=True,
    )
    from bench import ledger

    return ledger.figures(rounds=1, seconds=0.5) if is_quick else ledger.figures()
