"""`make demo`: the whole installation on one machine, with no server and no account."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connections
from django.utils import timezone

from config import embedded, postgres, static_stamp
from config.demo_data import demo_json
from config.demo_text import demo_text
from config.migrating import migrate
from config.spawn import die_with_parent, spawn
from config.supervisor import Interrupted, Program, Supervisor

_SLOW_START_S = 90.0


class Command(BaseCommand):
    help = "Install, seed and serve everything on this machine until Ctrl-C."
    # They run with `migrate` below, once there is a database to ask.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if "MAKELEVEL" in os.environ:
            die_with_parent(signal.SIGTERM)
        with only_one(settings.VAR_DIR):
            _require_free_port()
            settings.SIP_HOST, settings.SIP_PORT = "127.0.0.1", _free_sip_port()
            if not settings.EMAIL_HOST:
                settings.DEMO_MAILBOX = str(settings.VAR_DIR / "mailbox")
                settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", _another_port()
            _demo_file().unlink(missing_ok=True)
            supervisor = Supervisor()
            with supervisor.signals():
                try:
                    self._serve(supervisor)
                except Interrupted:
                    pass
                except postgres.PostgresError as error:
                    raise CommandError(str(error)) from error
                finally:
                    self._say("\nStopping …")
                    _demo_file().unlink(missing_ok=True)
                    supervisor.stop()
                    self._say("Stopped; the data is kept.")

    def _say(self, text: str) -> None:
        # A terminal that went away must not leave the processes behind.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()

    def _serve(self, supervisor: Supervisor) -> None:
        if embedded.is_default():
            with self._step("Starting the embedded database"):
                _start_postgres(supervisor)
        with self._step("Migrating the database"):
            migrate(self._say)
        if static_stamp.is_stale():
            with self._step("Collecting static files"):
                call_command("collectstatic", interactive=False, verbosity=0)
                static_stamp.refresh()
        with self._step("Seeding the demo"):
            call_command("seed_demo")
        connections.close_all()
        started_at = timezone.now()
        self._say("Starting web, voice, worker, beat and mailbox …")
        for program in programs():
            supervisor.add(program)
        supervisor.run(on_tick=self._watch(started_at))

    @contextmanager
    def _step(self, text: str) -> Iterator[None]:
        self._say(f"{text} …")
        started = time.monotonic()
        yield
        self._say(f"  done in {time.monotonic() - started:.1f} s")

    def _watch(self, started_at: datetime) -> Callable[[], None]:
        """Announce the demo once, when the pages answer and a call can be placed."""
        began = time.monotonic()
        state = {"is_up": False, "is_late": False}

        def look() -> None:
            if state["is_up"]:
                return
            if _web_answers() and _voice_answers(started_at):
                state["is_up"] = True
                self._announce()
            elif not state["is_late"] and time.monotonic() - began > _SLOW_START_S:
                state["is_late"] = True
                self.stderr.write("Still not up; the lines above say why.")

        return look

    def _announce(self) -> None:
        content = demo_json(settings.PORT)
        path = _demo_file()
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
        self._say(demo_text(content))
        connections.close_all()


def programs() -> list[Program]:
    """Web, voice, worker, beat and mailbox of the demo, not yet started."""
    python = [sys.executable]
    celery = [*python, "-m", "celery", "--quiet", "-A", "config"]
    level = ["--loglevel", "WARNING"]
    worker = [*celery, "worker", *level, "--concurrency", "2"]
    # Gossip and mingle leave a queue of unread files behind at every start.
    worker += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    schedule = settings.VAR_DIR / "beat" / "schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    beat = [*celery, "beat", *level, "--schedule", str(schedule), "--pidfile="]
    web = [*python, "-m", "daphne", "-v", "0", "-b", settings.BIND]
    web += ["-p", str(settings.PORT), "config.asgi:application"]
    box = [*python, "-m", "config.mail_sink", str(settings.EMAIL_PORT)]
    box += [settings.DEMO_MAILBOX]
    return [
        *([_program("mailbox", box)] if settings.DEMO_MAILBOX else []),
        _program("web", web, pool=10, death_signal=signal.SIGKILL),
        _program("voice", [*python, "manage.py", "voice"], pool=5),
        # A cold shutdown: it takes the prefork children with it.
        _program("worker", worker, death_signal=signal.SIGQUIT),
        _program("beat", beat),
    ]


def _program(
    name: str,
    command: list[str],
    *,
    pool: int = 0,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Program:
    environment = os.environ | {
        "DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SIP_HOST": settings.SIP_HOST,
        "SIP_PORT": str(settings.SIP_PORT),
        **_mail_settings(),
        "DATABASE_POOL_SIZE": str(pool),
        "PYTHONUNBUFFERED": "1",
        # The demo may be root's; what Celery warns of is said in docs/operations.md.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    # What was given to us is not what our children are run by.
    environment.pop("MAKELEVEL", None)
    return Program(
        name,
        lambda stdout: spawn(
            command,
            death_signal=death_signal,
            stdout=stdout,
            cwd=settings.BASE_DIR,
            env=environment,
        ),
    )


def _mail_settings() -> dict[str, str]:
    """Point every process at the demo's mailbox, unless mails really go out."""
    if not settings.DEMO_MAILBOX:
        return {}
    return {
        "DEMO_MAILBOX": settings.DEMO_MAILBOX,
        "EMAIL_HOST": settings.EMAIL_HOST,
        "EMAIL_PORT": str(settings.EMAIL_PORT),
        "EMAIL_USE_TLS": "0",
    }


def _start_postgres(supervisor: Supervisor) -> None:
    cluster = postgres.prepare(embedded.postgres_folder(settings.VAR_DIR))
    server = postgres.Server(cluster)
    try:
        server.start()
    except Interrupted:
        server.stop()
        raise
    if server.process is not None:
        program = Program(
            "postgres",
            lambda _: cluster.spawn(),
            stop_signal=signal.SIGINT,
            stop_within_s=20,
            stage=0,
        )
        supervisor.adopt(program, server.process)


def _demo_file() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


@contextmanager
def only_one(var_dir: Path) -> Iterator[None]:
    """Refuse a second demo of the same data."""
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "demo.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CommandError(
                f"The demo of this folder already runs (process {lock.read()})."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _require_free_port() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} cannot be used: {error.strerror}. "
                f"Choose another one: make demo PORT={_another_port()}"
            ) from None


def _free_sip_port() -> int:
    """Return the SIP port wanted, or one above it: nobody types it, it is in the file."""
    for port in range(settings.SIP_PORT, settings.SIP_PORT + 400, 20):
        with suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise CommandError(f"No SIP port from {settings.SIP_PORT} on is free.")


def _another_port() -> int:
    with socket.socket() as probe:
        probe.bind((settings.BIND, 0))
        port: int = probe.getsockname()[1]
        return port


def _web_answers() -> bool:
    address = "127.0.0.1" if settings.BIND in {"0.0.0.0", ""} else settings.BIND  # noqa: S104
    url = f"http://{address}:{settings.PORT}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _voice_answers(since: datetime) -> bool:
    """Whether a voice process of this run takes calls."""
    from calls.models import VoiceNode

    return VoiceNode.objects.filter(started_at__gte=since, is_draining=False).exists()
