"""The ledger's figures on a PostgreSQL of the bench's own, thrown away afterwards.

Twice: as installed, where each commit waits for the disk and so does the bare SQL's;
and without that wait, where nothing hides what the ledger adds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from config import postgres

ROUNDS, SECONDS = 3, 1.5
QUICK_ROUNDS, QUICK_SECONDS = 1, 0.5


def figures(*, is_quick: bool) -> list[dict[str, Any]]:
    """Measure hold and settle against bare SQL; raises when the books do not agree."""
    found = _on_database("", is_durable=True, is_quick=is_quick)
    if not is_quick:
        found += _on_database(", no disk", is_durable=False, is_quick=is_quick)
    return found


def _on_database(
    suffix: str, *, is_durable: bool, is_quick: bool
) -> list[dict[str, Any]]:
    # /tmp and not $TMPDIR: root's server runs as another user, which must get in.
    folder = Path(tempfile.mkdtemp(prefix="portavoce-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        server = postgres.Server(postgres.prepare(folder / "pg", durable=is_durable))
        server.start()
        try:
            found = _measured(server.cluster.conninfo(), folder / "var", is_quick)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [{**figure, "name": figure["name"] + suffix} for figure in found]


def _measured(database_url: str, var: Path, is_quick: bool) -> list[dict[str, Any]]:
    """Run it in a process of its own: Django's settings know one database a process."""
    (var / "static").mkdir(parents=True)
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "VAR_DIR": str(var),
        "SECRET_KEY": "bench only",
        "DEMO": "1",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    length = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (ROUNDS, SECONDS)
    done = subprocess.run(
        [sys.executable, "-m", "bench.ledger", *(str(value) for value in length)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
