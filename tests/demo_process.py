"""A demo as a process: started, watched and ended as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import embedded
from tests.plugins.servers import free_port

TREE = Path(__file__).resolve().parents[1]

# How a process of the demo is known among all others: by a word of its command line.
KINDS = {
    "web": "daphne",
    "voice": "voice",
    "worker": "worker",
    "beat": "beat",
    "mailbox": "config.mail_sink",
    "postgres": "postgres",
}


def processes(session_parent: int) -> dict[str, int]:
    """The supervisor's own children by kind."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = (stat.parent / "cmdline").read_bytes().replace(b"\0", b" ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) != session_parent or fields[0] == "Z":
            continue
        words = command.decode().split()
        for kind, word in KINDS.items():
            if any(part.rpartition("/")[2] == word for part in words[:8]):
                found[kind] = int(stat.parent.name)
    return found


def descendants_with(var_dir: Path) -> list[str]:
    """Every process on this machine that was given the demo's folder."""
    database = str(embedded.postgres_folder(var_dir))
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            command = (environ.parent / "cmdline").read_text()
            given = f"VAR_DIR={var_dir}\0".encode() in environ.read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if given or database in command:
            found.append(command)
    return found


def wait_for(condition: Callable[[], Any], *, within_s: float, log: Path) -> Any:
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not in {within_s} s:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)
    return value


class Demo:
    def __init__(self, folder: Path) -> None:
        self.var_dir = folder / "var"
        self.log = folder / "log"
        self.port = free_port()
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
        } | {"VAR_DIR": str(self.var_dir), "PORT": str(self.port), "DEMO": "1"}
        self.process: subprocess.Popen[bytes] | None = None

    def manage(
        self, *words: str, stdout: Any = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=TREE,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start, and return when everything is up."""
        with self.log.open("wb") as log:
            self.process = self.manage("demo", stdout=log)
        wait_for((self.var_dir / "demo.json").exists, within_s=120, log=self.log)

    def kinds(self) -> dict[str, int]:
        assert self.process is not None
        return processes(self.process.pid)

    def cpu_s(self) -> float:
        """Processor time of the supervisor and its children since they started."""
        assert self.process is not None
        ticks = 0
        for number in [self.process.pid, *self.kinds().values()]:
            stat = Path(f"/proc/{number}/stat").read_text()
            fields = stat.rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)
