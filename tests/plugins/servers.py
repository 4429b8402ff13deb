"""Real Redis and RabbitMQ from Debian, on free loopback ports, for one test run.

A missing program fails the test and says what to install: nothing is skipped. Each
server has a folder of its own and dies with the test process.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.spawn import spawn, stop


def free_port() -> int:
    """Return a loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(f"{name} is missing: apt-get install {package}", pytrace=False)
    return found


def wait_until(
    is_up: Callable[[], bool], process: subprocess.Popen, log: Path, *, within_s: float
) -> None:
    deadline = time.monotonic() + within_s
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            pytest.fail(f"A server does not start:\n{tail}", pytrace=False)
        time.sleep(0.05)


def _answers(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(answer)
    except OSError:
        return False


@contextmanager
def _folder(prefix: str, account: pwd.struct_passwd | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis of this run."""
    executable, port = program("redis-server", "redis-server"), free_port()
    with _folder("portavoce-redis-", None) as folder:
        log = folder / "log"
        command = [executable, "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", str(folder), "--save", "", "--appendonly", "no"]
        with log.open("wb") as output:
            process = spawn(command, death_signal=signal.SIGKILL, stdout=output)
        try:
            wait_until(
                lambda: _answers(port, b"PING\r\n", b"+PONG"),
                process,
                log,
                within_s=10,
            )
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            stop(process, signal.SIGTERM, within_s=5)


def _rabbitmq_account() -> pwd.struct_passwd | None:
    """The user Debian's start script insists on when root starts it."""
    return pwd.getpwnam("rabbitmq") if os.geteuid() == 0 else None


@contextmanager
def _port_mapper(folder: Path) -> Iterator[int]:
    """Erlang's port mapper as a child of ours; a node would leave its own running."""
    executable, port = program("epmd", "erlang-base"), free_port()
    log = folder / "epmd.log"
    with log.open("wb") as output:
        process = spawn(
            [executable, "-address", "127.0.0.1", "-port", str(port)],
            death_signal=signal.SIGKILL,
            stdout=output,
        )
    try:
        # A names request, length first; the answer starts with the mapper's own port.
        wait_until(
            lambda: _answers(port, b"\x00\x01n", port.to_bytes(4, "big")),
            process,
            log,
            within_s=10,
        )
        yield port
    finally:
        stop(process, signal.SIGTERM, within_s=5)


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[str]:
    """The URL of a RabbitMQ of this run: own node, own cookie, no epmd left behind."""
    program("rabbitmq-server", "rabbitmq-server")
    # Debian's wrapper switches users and folders; the script behind it obeys us.
    executable = next(
        iter(Path("/usr/lib/rabbitmq/bin").glob("rabbitmq-server")), None
    ) or program("rabbitmq-server", "rabbitmq-server")
    account = _rabbitmq_account()
    port, distribution = free_port(), free_port()
    with (
        _folder("portavoce-rabbitmq-", account) as folder,
        _port_mapper(folder) as mapper,
    ):
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\n"
            "log.console = true\nlog.file = false\n"
            "vm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 10MB\n"
        )
        (folder / "enabled_plugins").write_text("[].\n")
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"portavoce{port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        log = folder / "log"
        with log.open("wb") as output:
            process = spawn(
                [str(executable)],
                death_signal=signal.SIGTERM,
                stdout=output,
                account=account,
                cwd=folder,
                env=environment,
            )
        try:
            wait_until(
                lambda: _answers(port, b"AMQP\x00\x00\x09\x01", b"\x01"),
                process,
                log,
                within_s=60,
            )
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
        finally:
            stop(process, signal.SIGTERM, within_s=20)
