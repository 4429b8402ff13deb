"""Keep a handful of processes running from one terminal, and leave none behind.

A process that ends is started again with a growing pause. Each leads a session of its
own, so what it started is found and killed with it. If the supervisor itself is killed
the kernel signals its children (`config.spawn`). It has one thread, on purpose: the
kernel ties the children to the thread that started them.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from config.spawn import kill_group

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_STABLE_S = 20.0  # having run this long, a process starts again after the first pause
_TICK_S = 0.25
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_COLOURS = (36, 35, 33, 32, 34)


class Interrupted(BaseException):
    """A signal asked to stop while the caller was still preparing."""


@dataclass(frozen=True)
class Program:
    """What to run: `start` gets the file descriptor its output goes to."""

    name: str
    start: Callable[[int], subprocess.Popen[bytes]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0
    stage: int = 1  # higher stages are stopped first


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    output: int | None = None
    partial: bytes = b""
    started_at: float = 0.0
    restart_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    colour: int = 0


class Supervisor:
    """Runs programs until a signal arrives. Use it inside `with signals():`."""

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._selector = selectors.DefaultSelector()
        self._is_preparing = True
        self._stops = 0
        self._is_tty = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Turn signals into a request to stop; raises `Interrupted` before `run`."""
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1
        if self._is_preparing:
            raise Interrupted

    def adopt(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        """Keep a process running that was started elsewhere with its own output."""
        self._running.append(
            _Running(program, process=process, started_at=time.monotonic())
        )

    def add(self, program: Program) -> None:
        colour = _COLOURS[len(self._running) % len(_COLOURS)]
        running = _Running(program, colour=colour)
        self._running.append(running)
        self._start(running)

    def run(self, on_tick: Callable[[], None]) -> None:
        """Supervise until a signal; `on_tick` is called a few times a second."""
        self._is_preparing = False
        while not self._stops:
            self._pump(_TICK_S)
            for running in self._running:
                self._look_after(running)
            on_tick()

    def stop(self) -> None:
        """Stop everything, later stages first; a second signal kills at once."""
        self._is_preparing = False
        self._stops = max(self._stops, 1)
        for stage in sorted({item.program.stage for item in self._running})[::-1]:
            self._stop_stage([r for r in self._running if r.program.stage == stage])
        self._pump(0)
        self._selector.close()

    # -- processes -----------------------------------------------------------------

    def _start(self, running: _Running) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            running.process = running.program.start(writer)
        finally:
            os.close(writer)
        running.started_at = time.monotonic()
        running.output = reader
        self._selector.register(reader, selectors.EVENT_READ, running)

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.process is None:
            if now >= running.restart_at:
                self._start(running)
            return
        if not _has_ended(running.process):
            return
        code = self._bury(running)
        if now - running.started_at > _STABLE_S:
            running.pause_s = _FIRST_PAUSE_S
        running.restart_at = now + running.pause_s
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.say(running, f"stopped ({how}), starting again in {running.pause_s:g} s")
        running.pause_s = min(running.pause_s * 2, _LONGEST_PAUSE_S)

    def _bury(self, running: _Running) -> int:
        """Kill what an ended process left behind, then forget it."""
        assert running.process is not None
        # Before it is reaped: until then its number cannot belong to another.
        kill_group(running.process)
        code = running.process.wait()
        running.process = None
        if running.output is not None:
            self._read(running)
            self._close_output(running)
        return code

    def _stop_stage(self, stage: Iterable[_Running]) -> None:
        living = [running for running in stage if running.process is not None]
        started = time.monotonic()
        for running in living:
            assert running.process is not None
            if not _has_ended(running.process):
                running.process.send_signal(running.program.stop_signal)
        patience = self._stops
        while living:
            self._pump(0.05)
            waited = time.monotonic() - started
            for running in list(living):
                assert running.process is not None
                is_over = waited > running.program.stop_within_s
                if not _has_ended(running.process):
                    if not is_over and self._stops == patience:
                        continue
                    self.say(running, "does not stop, killed")
                self._bury(running)
                living.remove(running)

    # -- output --------------------------------------------------------------------

    def _pump(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            self._read(key.data)

    def _read(self, running: _Running) -> None:
        """Print whole lines of what the process wrote."""
        assert running.output is not None
        while True:
            try:
                chunk = os.read(running.output, 65536)
            except BlockingIOError:
                return
            if not chunk:
                self._close_output(running)
                return
            *lines, running.partial = (running.partial + chunk).split(b"\n")
            for line in lines:
                self.say(running, line.decode(errors="replace"))

    def _close_output(self, running: _Running) -> None:
        if running.output is None:
            return
        if running.partial:
            self.say(running, running.partial.decode(errors="replace"))
            running.partial = b""
        self._selector.unregister(running.output)
        os.close(running.output)
        running.output = None

    def say(self, running: _Running, text: str) -> None:
        name = f"{running.program.name:<8} | "
        if self._is_tty:
            name = f"\x1b[{running.colour or 90}m{name}\x1b[0m"
        # A terminal that went away must not take the processes with it.
        with suppress(OSError):
            sys.stdout.write(f"{name}{text}\n")
            sys.stdout.flush()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended, without reaping it."""
    if process.returncode is not None:
        return True
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    try:
        return os.waitid(os.P_PID, process.pid, flags) is not None
    except ChildProcessError:
        return True
