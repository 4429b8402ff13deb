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

STUCK_S = 60.0  # without a word and half a second of processor time
MOST_WORK_S = 240.0  # a first start takes some 60
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
        """Start, and return when everything is up; nothing is left of one that is not."""
        with self.log.open("wb") as log:
            self.process = self.manage("demo", stdout=log)
        try:
            self._wait_until_up()
        except BaseException:
            try:
                self.end(signal.SIGTERM)
            except subprocess.TimeoutExpired:
                self.process.kill()  # the kernel ends the others
                self.process.wait()
            raise

    def _wait_until_up(self) -> None:
        """Wait as long as it gets on: how fast it does is the machine's affair.

        It has got on when it said something or had the processor for a while. Work it
        may do is bounded all the same: a start that goes round in circles is none.
        """
        assert self.process is not None
        seen, at_s = (0, 0.0), time.monotonic()
        while not (self.var_dir / "demo.json").exists():
            if (code := self.process.poll()) is not None:
                pytest.fail(f"it ended with {code}:\n{self._last_words()}")
            worked_s = self.cpu_s()
            if worked_s > MOST_WORK_S:
                pytest.fail(
                    f"not after {worked_s:.0f} s of work:\n{self._last_words()}"
                )
            now = self.log.stat().st_size, worked_s // 0.5
            if now != seen:
                seen, at_s = now, time.monotonic()
            elif time.monotonic() - at_s > STUCK_S:
                pytest.fail(f"nothing for {STUCK_S} s:\n{self._last_words()}")
            time.sleep(0.5)

    def _last_words(self) -> str:
        return self.log.read_text()[-4000:]

    def kinds(self) -> dict[str, int]:
        assert self.process is not None
        return processes(self.process.pid)

    def cpu_s(self) -> float:
        """Processor time of the supervisor and its children since they started."""
        assert self.process is not None
        ticks = 0
        for number in [self.process.pid, *self.kinds().values()]:
            try:
                stat = Path(f"/proc/{number}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):  # it ended a moment ago
                continue
            fields = stat.rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)
