"""The supervisor: what dies comes back, and what was started is gone at the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.spawn import spawn
from config.supervisor import Interrupted, Program, Supervisor

pytestmark = pytest.mark.slow


def program(name: str, script: str, **options) -> Program:
    return Program(
        name,
        lambda stdout: spawn(
            [sys.executable, "-c", script], death_signal=signal.SIGKILL, stdout=stdout
        ),
        **options,
    )


def is_alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(number: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(number)


def run_until(supervisor: Supervisor, condition) -> None:
    """Supervise until `condition`, or fail after ten seconds."""
    deadline = time.monotonic() + 10

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            os.kill(os.getpid(), signal.SIGTERM)

    with supervisor.signals():
        supervisor.run(on_tick=look)
    assert time.monotonic() < deadline


def lines_of(capsys, seen: list[str], name: str) -> list[str]:
    seen += capsys.readouterr().out.splitlines()
    return [line.partition("| ")[2] for line in seen if line.startswith(name)]


FOREVER = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"


def test_a_killed_process_comes_back(capsys):
    supervisor = Supervisor()
    seen: list[str] = []
    killed: list[int] = []

    def came_back() -> bool:
        pids = [
            int(line.split()[1])
            for line in lines_of(capsys, seen, "one")
            if line.startswith("pid")
        ]
        if len(pids) == 1 and not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)
        return len(pids) == 2

    supervisor.add(program("one", FOREVER))
    run_until(supervisor, came_back)
    supervisor.stop()
    told = lines_of(capsys, seen, "one")
    assert "stopped (signal 9), starting again in 0.5 s" in told
    assert all(gone(int(line.split()[1])) for line in told if line.startswith("pid"))


def test_a_process_that_keeps_failing_is_started_less_and_less_often(capsys):
    supervisor = Supervisor()
    seen: list[str] = []
    supervisor.add(program("bad", "raise SystemExit(3)"))
    supervisor._running[0].pause_s = 0.01
    run_until(supervisor, lambda: len(lines_of(capsys, seen, "bad")) >= 3)
    supervisor.stop()
    assert lines_of(capsys, seen, "bad")[:3] == [
        f"stopped (exit code 3), starting again in {pause} s"
        for pause in ("0.01", "0.02", "0.04")
    ]


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def test_the_children_of_a_dead_process_go_with_it(capsys):
    supervisor = Supervisor()
    seen: list[str] = []
    families: list[list[int]] = []
    supervisor.add(program("one", PARENT))

    def second_family() -> bool:
        told = lines_of(capsys, seen, "one")
        found = [line.split()[1:] for line in told if line.startswith("pids")]
        if found and not families:
            os.kill(int(found[0][0]), signal.SIGKILL)
        families[:] = [[int(number) for number in family] for family in found]
        return len(families) == 2

    run_until(supervisor, second_family)
    assert gone(families[0][1])
    supervisor.stop()
    assert gone(families[1][1])


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
while True:
    time.sleep(600)
"""


def test_a_process_that_ignores_the_signal_is_killed_at_its_deadline(capsys):
    supervisor = Supervisor()
    seen: list[str] = []
    supervisor.add(program("one", STUBBORN, stop_within_s=0.3))
    run_until(supervisor, lambda: lines_of(capsys, seen, "one"))
    started = time.monotonic()
    supervisor.stop()
    assert 0.3 <= time.monotonic() - started < 3
    pid, told = lines_of(capsys, seen, "one")
    assert told == "does not stop, killed"
    assert gone(int(pid.split()[1]))


def test_a_later_stage_is_stopped_before_an_earlier_one(capsys):
    polite = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *a: (print('bye', flush=True), "
        "sys.exit()))\nprint('up', flush=True)\nsignal.pause()"
    )
    supervisor = Supervisor()
    seen: list[str] = []
    supervisor.add(program("base", polite, stage=0))
    supervisor.add(program("top", polite, stage=1))
    run_until(
        supervisor,
        lambda: lines_of(capsys, seen, "base") and lines_of(capsys, seen, "top"),
    )
    supervisor.stop()
    lines_of(capsys, seen, "")
    assert [line.split()[0] for line in seen if line.endswith("bye")] == ["top", "base"]


def test_a_last_line_without_an_end_is_printed(capsys):
    supervisor = Supervisor()
    seen: list[str] = []
    supervisor.add(program("one", "print('half', end='')"))
    run_until(supervisor, lambda: len(lines_of(capsys, seen, "one")) >= 2)
    supervisor.stop()
    assert lines_of(capsys, seen, "one")[0] == "half"


def test_a_signal_while_preparing_interrupts():
    supervisor = Supervisor()
    with pytest.raises(Interrupted), supervisor.signals():
        signal.raise_signal(signal.SIGINT)
    supervisor.stop()


def test_children_die_with_a_killed_supervisor(tmp_path):
    script = f"""
import sys
from config.spawn import spawn
from config.supervisor import Program, Supervisor
import signal
s = Supervisor()
command = [sys.executable, "-c", {FOREVER!r}]
kill = signal.SIGKILL
s.add(Program("one", lambda out: spawn(command, death_signal=kill, stdout=out)))
with s.signals():
    s.run(lambda: None)
"""
    starter = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    child = int(starter.stdout.readline().split()[-1])
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert gone(child)
