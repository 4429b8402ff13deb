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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from config import postgres

ROUNDS, SECONDS = 3, 1.5
QUICK_ROUNDS, QUICK_SECONDS = 1, 0.5


def figures(*, is_quick: bool) -> list[dict[str, Any]]:
    """Measure hold and settle against bare SQL; raises when the books do not agree."""
    length = (QUICK_ROUNDS, QUICK_SECONDS) if is_quick else (ROUNDS, SECONDS)
    found = on_database("bench.ledger", length, is_durable=True)
    if not is_quick:
        found += [
            {**figure, "name": f"{figure['name']}, no disk"}
            for figure in on_database("bench.ledger", length, is_durable=False)
        ]
    return found


def on_database(
    module: str,
    arguments: Sequence[float],
    *,
    is_durable: bool,
    is_vacuumed: bool = False,
) -> list[dict[str, Any]]:
    """Run a module of the bench on a migrated, empty database; return its figures."""
    # /tmp and not $TMPDIR: root's server runs as another user, which must get in.
    folder = Path(tempfile.mkdtemp(prefix="portavoce-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        server = postgres.Server(
            postgres.prepare(folder / "pg", durable=is_durable, vacuumed=is_vacuumed)
        )
        server.start()
        try:
            return _measured(
                server.cluster.conninfo(), folder / "var", module, arguments
            )
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(
    database_url: str, var: Path, module: str, arguments: Sequence[float]
) -> list[dict[str, Any]]:
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
    done = subprocess.run(
        [sys.executable, "-m", module, *(str(value) for value in arguments)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
