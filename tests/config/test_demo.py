"""`make demo` as a person runs it: it comes up, comes back, and leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from config import embedded
from tests.plugins.servers import free_port

TREE = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.servers, pytest.mark.slow]

# How a process of the demo is known among all others: by a word of its command line.
KINDS = {
    "web": "daphne",
    "voice": "voice",
    "worker": "worker",
    "beat": "beat",
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


def wait_for(condition, *, within_s: float, log: Path):
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
        self.process: subprocess.Popen | None = None

    def manage(self, *words: str, stdout=subprocess.DEVNULL) -> subprocess.Popen:
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


@pytest.fixture
def demo(tmp_path):
    demo = Demo(tmp_path)
    yield demo
    if demo.process is not None and demo.process.poll() is None:
        demo.end(signal.SIGTERM)
    assert demo.manage("demo_reset").wait(90) == 0


def answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_comes_up_comes_back_and_goes_without_a_trace(demo):
    demo.start()
    said = json.loads((demo.var_dir / "demo.json").read_text())
    assert said["base_url"] == f"http://localhost:{demo.port}"
    assert len(said["portals"]) == 2
    assert said["organizations"][0]["api_key"] in demo.log.read_text()
    assert set(demo.kinds()) == set(KINDS)

    for kind in KINDS:
        before = demo.kinds()[kind]
        os.kill(before, signal.SIGKILL)
        wait_for(
            lambda: demo.kinds().get(kind, before) != before,  # noqa: B023
            within_s=20,
            log=demo.log,
        )
    wait_for(lambda: answers(demo.port), within_s=20, log=demo.log)

    assert demo.end(signal.SIGINT) == 0
    assert descendants_with(demo.var_dir) == []
    assert not (demo.var_dir / "demo.json").exists()

    # The second start keeps the data. Ten seconds of a quiet machine's two cores are
    # bounded by the processor time, which does not depend on who else is at work.
    demo.start()
    assert demo.cpu_s() < 16
    assert "Collecting" not in demo.log.read_text()
    again = json.loads((demo.var_dir / "demo.json").read_text())
    assert again["organizations"] == said["organizations"]
    demo.end(signal.SIGKILL)
    wait_for(lambda: not descendants_with(demo.var_dir), within_s=20, log=demo.log)


def test_a_busy_port_is_named_with_the_way_to_choose_another(demo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.port))
        taken.listen()
        with demo.log.open("wb") as log:
            assert demo.manage("demo", stdout=log).wait(30) == 1
    told = demo.log.read_text()
    assert f"Port {demo.port} cannot be used" in told
    assert "make demo PORT=" in told
    assert "Traceback" not in told
