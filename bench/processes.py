"""The processes of a run: the vendors' servers and the bot that is measured."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.machine import Cores

ROOT = Path(__file__).resolve().parent.parent
FOLDER = (
    ROOT / "var" / "bench"
)  # the peer's environment, and what processes complain of
OURS, ECHO, PEER = "ours", "echo", "peer"
PHONE, RELAY = "phone", "relay"
# What the vendors take, in ms. All bots use the same servers.
FINAL_MS, FIRST_TOKEN_MS, TOKEN_MS, FIRST_BYTE_MS = 50, 150, 5, 100
VENDORS_MS = FIRST_TOKEN_MS + FIRST_BYTE_MS  # the transcript comes within the silence
REPLY = "It is a quarter past nine now."
START_S = 60.0


@dataclass(frozen=True)
class Bot:
    """A bot's process, alone on its core."""

    kind: str
    pid: int
    url: str
    port: int


@contextlib.contextmanager
def vendors(cores: Cores) -> Iterator[list[str]]:
    """Serve speech and language; gives the addresses a bot is told."""
    command = [
        *(sys.executable, "-m", "tests.fakes.vendor_servers", "--port", "0"),
        *("--first-token-ms", str(FIRST_TOKEN_MS), "--token-ms", str(TOKEN_MS)),
        *("--first-byte-ms", str(FIRST_BYTE_MS), "--final-ms", str(FINAL_MS)),
        *("--reply", REPLY, "--transcript", "What time is it?"),
    ]
    with _running("vendors", command, cores.others, niceness=5) as (_, line):
        urls = json.loads(line)
        names = ("OPENAI_BASE_URL", "DEEPGRAM_BASE_URL", "ELEVENLABS_BASE_URL")
        yield [urls[name] for name in names]


@contextlib.contextmanager
def bot(
    kind: str, cores: Cores, vendor_urls: list[str], peer: Path | None
) -> Iterator[Bot]:
    """Run one bot on the measured core."""
    commands = {
        OURS: [sys.executable, "-m", "bench.bots.ours", *vendor_urls],
        ECHO: [sys.executable, "-m", "bench.bots.echo"],
        PHONE: [sys.executable, "-m", "bench.bots.phone", *vendor_urls],
        RELAY: [sys.executable, "-m", "bench.bots.relay", *vendor_urls],
        PEER: [str(peer), str(ROOT / "bench/bots/pipecat_bot.py"), *vendor_urls],
    }
    with _running(kind, commands[kind], cores.measured) as (process, line):
        port = int(line)
        yield Bot(kind, process.pid, f"http://127.0.0.1:{port}", port)


@contextlib.contextmanager
def _running(
    name: str, command: list[str], cores: frozenset[int], *, niceness: int = 0
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a program that says one line when it is ready; the rest goes to its log."""

    def settle() -> None:
        os.sched_setaffinity(0, cores)
        os.nice(niceness)

    FOLDER.mkdir(parents=True, exist_ok=True)
    log_file = FOLDER / f"{name}.log"
    with log_file.open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            # The catalogue is read from where the settings say.
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEMO": "1"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=settle,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} ended before it was ready: see {log_file}")
        yield process, line
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
