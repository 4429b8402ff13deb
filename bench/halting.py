"""How soon the kill switch ends live calls: a real demo, its calls, and a clock.

A demo of the bench's own is started; people of its simulator are called over the API
and talk; then everybody's calls are halted from another process, as the operator's page
does, and the rows are watched until the last call has ended. Once with the message that
hurries the voice process, and once without it, as if the broker were down.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg

from bench.figures import Figure, at_most, percentile
from bench.processes import ROOT
from config import embedded, postgres

LIMIT_S = 2.0
CALLS = 8
START_S = 300.0
HALT = (
    "from unittest import mock; from calls import bus; from calls.services import halting;"
    "{quiet}halting.halt_calls(organization=None, reason='bench', actor=None)"
)
LIFT = (
    "from calls.services import halting;"
    "halting.lift_halt(organization=None, actor=None)"
)


def figures(*, is_quick: bool) -> list[dict[str, Any]]:
    """Seconds from the switch to the last call's end, over a few rounds."""
    with tempfile.TemporaryDirectory(prefix="portavoce-bench-") as folder:
        house = _Demo(Path(folder))
        try:
            house.start()
            rounds = 1 if is_quick else 5
            hurried = [house.halt(is_hurried=True) for _ in range(rounds)]
            by_row = [house.halt(is_hurried=False) for _ in range(rounds)]
        finally:
            house.stop()
    return [
        _figure(f"halt of {CALLS} live calls, slowest of {rounds}", hurried).as_json(),
        _figure("the same with no message, by the row alone", by_row).as_json(),
    ]


class _Demo:
    """A demo on a free port, with its folder and database."""

    def __init__(self, folder: Path) -> None:
        self.var = folder / "var"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
        } | {"VAR_DIR": str(self.var), "PORT": str(port), "DEMO": "1"}
        self.process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, Any] = {}

    def start(self) -> None:
        with (self.var.parent / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _wait((self.var / "demo.json").exists, START_S, "the demo is up")
        self.told = json.loads((self.var / "demo.json").read_text())
        folder = embedded.postgres_folder(self.var)
        self.database = postgres.prepare(folder).conninfo(user="postgres")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def halt(self, *, is_hurried: bool) -> float:
        """Let people talk, stop everybody, and return the seconds that it took."""
        for number in range(CALLS):
            # Answers and says nothing, so that it is there until it is stopped.
            self._call(f"+31205559{number}08")
        _wait(lambda: self._count("in-progress") >= CALLS, 60.0, "calls are going on")
        quiet = "" if is_hurried else "mock.patch.object(bus, 'tell_node').start();"
        halting = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-c", HALT.format(quiet=quiet)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        _wait(lambda: self._halted_at() is not None, 60.0, "the switch is thrown")
        _wait(lambda: self._live() == 0, 60.0, "the calls end")
        took = self._took_s()
        halting.wait(60)
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", LIFT],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return took

    def _call(self, number: str) -> None:
        body = {
            "assistant_id": self.told["assistant_id"],
            "phone_number": number,
            "metadata": {},
        }
        request = Request(
            f"{self.told['api_base_url']}/calls/outbound",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.told['api_key']}",
                "Content-Type": "application/json",
            },
        )
        with urlopen(request, timeout=30) as answer:
            answer.read()

    def _ask(self, query: str) -> Any:
        with psycopg.connect(self.database) as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None

    def _count(self, status: str) -> int:
        count: int = self._ask(
            f"select count(*) from calls_call where status = '{status}'"
        )
        return count

    def _live(self) -> int:
        count: int = self._ask(
            "select count(*) from calls_call "
            "where status in ('connecting', 'ringing', 'in-progress')"
        )
        return count

    def _halted_at(self) -> Any:
        return self._ask("select started_at from calls_halt where lifted_at is null")

    def _took_s(self) -> float:
        took: float = self._ask(
            "select extract(epoch from max(c.ended_at) - h.started_at)::float8 "
            "from calls_halt h join calls_call c on c.ended_at > h.started_at "
            "where h.lifted_at is null group by h.started_at"
        )
        return took


def _wait(condition: Any, within_s: float, what: str) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Not within {within_s:g} s: {what}.")
        time.sleep(0.05)


def _figure(name: str, took: list[float]) -> Figure:
    ours = percentile(took, 1.0)
    return Figure(
        name=name,
        unit="s",
        ours=None if ours is None else round(ours, 2),
        goal=f"at most {LIMIT_S:g} s",
        met=at_most(ours, LIMIT_S),
        limit=LIMIT_S,
        limit_name="goal",
        ratio_to_limit=None if ours is None else round(ours / LIMIT_S, 2),
        runs=[round(value, 3) for value in took],
    )
